"""Images that lie on disk, fetched when a batch asks for them: whole, or for training a random crop of each."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from entreg.data.images.crop import DecodeCrop
from entreg.data.images.decode import Fit
from entreg.data.kept import once
from entreg.data.samples import Batch, ResidentSamples, SampleSet
from entreg.data.sampling import EpochIds
from entreg.data.splits import digest


@dataclass(frozen=True)
class Form:
    """What becomes of a picture that is used whole.

    Args:
        channels: 1 (grey) or 3 (RGB).
        size: height and width.
        fit: what becomes of pictures that are no squares, see :func:`entreg.data.images.decode.decode`.
    """

    channels: int
    size: int
    fit: Fit = "squeeze"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Channels, height and width."""
        return (self.channels, self.size, self.size)


class StoredImages(SampleSet):
    """Images on disk; indexed by ids they are whole, by :class:`EpochIds` cropped as training in that epoch has them.

    Args:
        targets: ``(N,)`` int64.
        form: of whole images.
        crop: of training images; ``None``: these are whole, too.
        seed: seed of the crops.
    """

    def __init__(self, targets: Tensor, form: Form, crop: DecodeCrop | None = None, seed: int = 0) -> None:
        super().__init__(targets)
        self.form = form
        self.crop = crop
        self.seed = seed

    @property
    @abstractmethod
    def paths(self) -> list[Path]:
        """Files that hold the images."""

    @property
    @abstractmethod
    def traces(self) -> Sequence[str]:
        """Of each picture the name of its file, its size in bytes, and a digest of at most 4 KiB from its middle."""

    @abstractmethod
    def decoded(self, ids: Tensor) -> Tensor:
        """Fetch whole images, ``(M, channels, size, size)`` uint8."""

    @abstractmethod
    def picture(self, i: int) -> Tensor:
        """Fetch an image to be cropped, ``(channels, H, W)`` uint8, in memory as ``(H, W, channels)``."""

    @abstractmethod
    def check(self) -> None:
        """Find before training what can be found without reading everything.

        Raises:
            DataError: if an image cannot be had.
        """

    @property
    def varies(self) -> bool:
        """Whether training images are crops, which are others in each epoch."""
        return self.crop is not None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Channels, height and width of whole images."""
        return self.form.shape

    @property
    def nbytes(self) -> int:
        """Memory that all whole images take."""
        return len(self) * torch.Size(self.form.shape).numel()

    def __getitem__(self, ids: Tensor | EpochIds) -> Batch:
        if isinstance(ids, EpochIds):
            return Batch(self.cropped(*ids), self.targets[ids.ids], ids.ids)
        return Batch(self.decoded(ids), self.targets[ids], ids)

    def of_epoch(self, epoch: int, ids: Tensor) -> Batch:
        """Gather a batch as training in an epoch has it."""
        return self[EpochIds(epoch, ids) if self.varies else ids]

    def cropped(self, epoch: int, ids: Tensor) -> Tensor:
        """Fetch a random crop of each image, ``(M, channels, crop size, crop size)`` uint8, channels last in memory."""
        assert self.crop is not None
        size = self.crop.size or self.form.size
        crops = torch.empty(len(ids), size, size, self.form.channels, dtype=torch.uint8).permute(0, 3, 1, 2)
        for row, i in enumerate(ids.tolist()):
            crops[row] = self.crop(self.picture(i), size, self.seed, epoch, i)
        return crops

    def digest(self, ids: Tensor) -> str:
        """Digest of :attr:`traces` and targets: all of the content of as many files is not read for it."""
        return digest(self.traced(ids), self.targets[ids], ids)

    def traced(self, ids: Tensor) -> Tensor:
        """Return the traces of images as bytes."""
        traces = "\n".join(self.traces[i] for i in ids.tolist())
        return torch.frombuffer(bytearray(os.fsencode(traces)), dtype=torch.uint8)


class LoadedImages(ResidentSamples):
    """All images of a stored set in memory; told apart as they are on disk.

    Args:
        stored: whose images these are.
    """

    def __init__(self, stored: StoredImages) -> None:
        (images,) = once(("images", stored.form), stored.paths, lambda: (stored.decoded(torch.arange(len(stored))),))
        super().__init__(images.contiguous(), stored.targets)
        self.stored = stored

    def digest(self, ids: Tensor) -> str:
        """Digest of what the images were made of, and the targets."""
        return digest(self.stored.traced(ids), self.targets[ids], ids)
