"""Sets of images: resident in memory as one uint8 tensor, or files that are decoded when a batch asks for them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from entreg.data.splits import digest
from entreg.errors import DataError


class Batch(NamedTuple):
    """A batch of samples.

    Attributes:
        input: ``(N, ...)``; of images uint8 from the loader, normalised float32 on the device.
        target: class indices ``(N,)`` int64, or probabilities ``(N, C)`` float32 where images are mixed.
        id: row of each sample in its file ``(N,)`` int64.
    """

    input: Tensor
    target: Tensor
    id: Tensor


class ImageSet(Dataset[Batch]):
    """A set of uint8 images; indexed by a tensor of ids, it gathers a whole batch at once.

    Args:
        targets: ``(N,)`` int64.
    """

    def __init__(self, targets: Tensor) -> None:
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    @property
    @abstractmethod
    def image_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""

    @abstractmethod
    def __getitem__(self, ids: Tensor) -> Batch: ...

    @abstractmethod
    def digest(self, ids: Tensor) -> str:
        """Fingerprint of the samples ``ids``: images, targets, ids."""


class ResidentImages(ImageSet):
    """Images in memory, on the CPU or, after :meth:`to`, on the device that trains.

    Args:
        images: ``(N, C, H, W)`` uint8.
        targets: ``(N,)`` int64.
    """

    def __init__(self, images: Tensor, targets: Tensor) -> None:
        super().__init__(targets)
        self.images = images

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Channels, height and width."""
        return tuple(self.images.shape[1:])

    def __getitem__(self, ids: Tensor) -> Batch:
        return Batch(self.images[ids.to(self.images.device)], self.targets[ids], ids)

    def digest(self, ids: Tensor) -> str:
        """Digest of the pixels, targets and ids."""
        return digest(self.images[ids.to(self.images.device)].cpu(), self.targets[ids], ids)

    def to(self, device: torch.device) -> None:
        """Move the images to a device; batches are gathered there."""
        self.images = self.images.to(device)


class ImageFiles(ImageSet):
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
    def image_shape(self) -> tuple[int, ...]:
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
        self._resident = self._decoded(torch.arange(len(self)))

    def _decoded(self, ids: Tensor) -> Tensor:
        images = torch.empty(len(ids), *self.image_shape, dtype=torch.uint8)
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
