"""Images in files of their own, decoded when a batch asks for them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from entreg.data.images.crop import DecodeCrop
from entreg.data.images.decode import UNREADABLE, decode
from entreg.data.images.stored import Form, StoredImages
from entreg.data.kept import once
from entreg.errors import DataError

_TRACED = 4096  # bytes: all of a small picture; of a large one what lies in its middle, where margins are not


class ImageFiles(StoredImages):
    """Images in files of any size, each decoded, resized and cast to uint8 as it is asked for.

    Args:
        paths: one for each sample.
        targets: ``(N,)`` int64.
        root: folder that the fingerprint's names are relative to.
        form: of whole images.
        crop: of training images, or ``None``.
        seed: seed of the crops.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        targets: Tensor,
        root: Path,
        form: Form,
        crop: DecodeCrop | None = None,
        seed: int = 0,
    ) -> None:
        super().__init__(targets, form, crop, seed)
        # In one array: of a list each worker would come to hold a copy, as Python counts references in its items.
        self._paths = np.array([os.fsencode(path) for path in paths])
        self.root = root
        self._read: Callable[[Path, int], Tensor] | None = None
        if crop is not None:
            from entreg.data.images.jpeg import read_pixels  # seconds for torchvision: here rather than in each worker

            self._read = read_pixels

    @property
    def paths(self) -> list[Path]:
        """Files, one for each sample."""
        return [self.path(i) for i in range(len(self))]

    def path(self, i: int) -> Path:
        """Return the file of a sample."""
        return Path(os.fsdecode(self._paths[i]))

    @cached_property
    def traces(self) -> list[str]:
        """Of each file its name, its size in bytes, and a digest of at most 4 KiB from its middle."""
        paths = self.paths
        return once(("traces", self.root), paths, lambda: [_trace(path, self.root) for path in paths])

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
        """Read whole images, ``(M, channels, size, size)`` uint8."""
        images = torch.empty(len(ids), *self.form.shape, dtype=torch.uint8)
        for row, i in enumerate(ids.tolist()):
            images[row] = decode(self.path(i), self.form.channels, self.form.size, self.form.fit)
        return images

    def picture(self, i: int) -> Tensor:
        """Read an image to be cropped."""
        assert self._read is not None
        return self._read(self.path(i), self.form.channels)


def _trace(path: Path, root: Path) -> str:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(size - _TRACED, 0) // 2)
        content = hashlib.sha256(file.read(_TRACED)).hexdigest()[:16]
    return f"{path.relative_to(root)} {size} {content}"
