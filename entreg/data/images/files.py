"""Images in files, decoded when a batch asks for them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from entreg.data.kept import once
from entreg.data.samples import Batch, SampleSet
from entreg.data.splits import digest
from entreg.errors import DataError


class ImageFiles(SampleSet):
    """Images in files of any size, each decoded, resized and cast to uint8 as it is asked for.

    Args:
        paths: one for each sample.
        targets: ``(N,)`` int64.
        root: folder that the fingerprint's names are relative to.
        channels: 1 (grey) or 3 (RGB).
        size: height and width after resizing.
    """

    def __init__(self, paths: Sequence[Path], targets: Tensor, root: Path, channels: int, size: int) -> None:
        super().__init__(targets)
        self.paths = list(paths)
        self.root = root
        self.channels = channels
        self.size = size
        self._resident: Tensor | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""
        return (self.channels, self.size, self.size)

    @property
    def nbytes(self) -> int:
        """Memory that all images take once decoded."""
        return len(self) * self.channels * self.size**2

    def __getitem__(self, ids: Tensor) -> Batch:
        if self._resident is not None:
            return Batch(self._resident[ids], self.targets[ids], ids)
        return Batch(self._decoded(ids), self.targets[ids], ids)

    def digest(self, ids: Tensor) -> str:
        """Digest of names, sizes in bytes and targets: the content of as many files is not read for it."""
        names = "\n".join(
            f"{self.paths[i].relative_to(self.root)} {self.paths[i].stat().st_size}" for i in ids.tolist()
        )
        return digest(torch.frombuffer(bytearray(names.encode()), dtype=torch.uint8), self.targets[ids], ids)

    def check(self) -> None:
        """Open every file and read its header, which finds what is empty, is no image, or cannot be read.

        Raises:
            DataError: on the first that is not.
        """
        from PIL import Image  # late: only sets of files need it

        for path in self.paths:
            try:
                Image.open(path).close()
            except unreadable() as error:
                raise DataError(f"{path}: is not an image file ({error}); replace or remove it") from error

    def keep(self) -> None:
        """Decode all images once and keep them."""
        how, all_ids = ("images", self.channels, self.size), torch.arange(len(self))
        (self._resident,) = once(how, self.paths, lambda: (self._decoded(all_ids),))

    def _decoded(self, ids: Tensor) -> Tensor:
        images = torch.empty(len(ids), *self.input_shape, dtype=torch.uint8)
        for row, i in enumerate(ids.tolist()):
            images[row] = decode(self.paths[i], self.channels, self.size)
        return images


def unreadable() -> tuple[type[Exception], ...]:
    """What Pillow raises of files that it cannot read, for an ``except`` clause."""
    from PIL import Image

    return OSError, SyntaxError, ValueError, Image.DecompressionBombError


def decode(path: Path, channels: int, size: int) -> Tensor:
    """Read an image file, upright as its EXIF tag says, resized to a square, ``(channels, size, size)`` uint8.

    Raises:
        DataError: if it is not a whole image file.
    """
    import numpy as np
    from PIL import Image, ImageOps  # late: only sets of files need them

    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file).convert("L" if channels == 1 else "RGB")
            pixels = np.asarray(image.resize((size, size), Image.Resampling.BILINEAR))
    except unreadable() as error:
        raise DataError(f"{path}: is not a whole image file ({error}); replace or remove it") from error
    return torch.from_numpy(pixels.copy()).view(size, size, channels).permute(2, 0, 1)
