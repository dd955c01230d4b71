"""Images in files, decoded when a batch asks for them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from entreg.data.images.decode import UNREADABLE, Fit, decode
from entreg.data.kept import once
from entreg.data.samples import Batch, ResidentSamples, SampleSet
from entreg.data.splits import digest
from entreg.errors import DataError

_TRACED = 4096  # bytes: all of a small picture; of a large one what lies in its middle, where margins are not


class ImageFiles(SampleSet):
    """Images in files of any size, each decoded, resized and cast to uint8 as it is asked for.

    Args:
        paths: one for each sample.
        targets: ``(N,)`` int64.
        root: folder that the fingerprint's names are relative to.
        channels: 1 (grey) or 3 (RGB).
        size: height and width after resizing.
        fit: what becomes of pictures that are no squares, see :func:`entreg.data.images.decode.decode`.
    """

    def __init__(
        self, paths: Sequence[Path], targets: Tensor, root: Path, channels: int, size: int, fit: Fit = "squeeze"
    ) -> None:
        super().__init__(targets)
        self.paths = list(paths)
        self.root = root
        self.channels = channels
        self.size = size
        self.fit = fit

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""
        return (self.channels, self.size, self.size)

    @property
    def nbytes(self) -> int:
        """Memory that all images take once decoded."""
        return len(self) * self.channels * self.size**2

    def __getitem__(self, ids: Tensor) -> Batch:
        return Batch(self.decoded(ids), self.targets[ids], ids)

    def digest(self, ids: Tensor) -> str:
        """Digest of :attr:`traces` and targets: all of the content of as many files is not read for it."""
        return digest(self.traced(ids), self.targets[ids], ids)

    @cached_property
    def traces(self) -> list[str]:
        """Of each file its name, its size in bytes, and a digest of at most 4 KiB from its middle."""
        return once(("traces", self.root), self.paths, lambda: [_trace(path, self.root) for path in self.paths])

    def traced(self, ids: Tensor) -> Tensor:
        """Return the traces of files as bytes."""
        traces = "\n".join(self.traces[i] for i in ids.tolist())
        return torch.frombuffer(bytearray(os.fsencode(traces)), dtype=torch.uint8)

    def check(self) -> None:
        """Open every file and read its header, which finds what is empty, is no image, or cannot be read.

        Raises:
            DataError: on the first that is not.
        """
        for path in self.paths:
            try:
                Image.open(path).close()
            except UNREADABLE as error:
                raise DataError(f"{path}: is not an image file ({error}); replace or remove it") from error

    def decoded(self, ids: Tensor) -> Tensor:
        """Read images, ``(M, channels, size, size)`` uint8."""
        images = torch.empty(len(ids), *self.input_shape, dtype=torch.uint8)
        for row, i in enumerate(ids.tolist()):
            images[row] = decode(self.paths[i], self.channels, self.size, self.fit)
        return images


class DecodedFiles(ResidentSamples):
    """All images of a set of files, decoded once; told apart as the files are.

    Args:
        files: whose images these are.
    """

    def __init__(self, files: ImageFiles) -> None:
        how, all_ids = ("images", files.channels, files.size, files.fit), torch.arange(len(files))
        (images,) = once(how, files.paths, lambda: (files.decoded(all_ids),))
        super().__init__(images, files.targets)
        self.files = files

    def digest(self, ids: Tensor) -> str:
        """Digest of the files and the targets."""
        return digest(self.files.traced(ids), self.targets[ids], ids)


def _trace(path: Path, root: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TRACED, 0) // 2)
        content = hashlib.sha256(file.read(_TRACED)).hexdigest()[:16]
    return f"{path.relative_to(root)} {size} {content}"
