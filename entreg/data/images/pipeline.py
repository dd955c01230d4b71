"""What is done to a batch where it is used: augment, cast, normalise, mix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from entreg.data.images.augment import Augment
from entreg.data.images.mix import Mix
from entreg.data.samples import Batch


@dataclass
class Pipeline:
    """Turn a uint8 batch into what a network is fed, on the batch's own device.

    Args:
        n: number of samples of the training file; ids run below it.
        num_classes: number of classes C.
        mean: per-channel mean of pixels in 0..1.
        std: per-channel standard deviation.
        augment: random change of training images, or ``None``.
        mix: MixUp or CutMix of training batches, or ``None``.
        seed: seed of the run.
    """

    n: int
    num_classes: int
    mean: Sequence[float]
    std: Sequence[float]
    augment: Augment | None = None
    mix: Mix | None = None
    seed: int = 0
    _epoch: int | None = field(default=None, init=False, repr=False)
    _changes: Tensor | None = field(default=None, init=False, repr=False)
    _mixes: Tensor | None = field(default=None, init=False, repr=False)
    _scale: tuple[torch.device, Tensor, Tensor] | None = field(default=None, init=False, repr=False)

    def begin_epoch(self, epoch: int, image_shape: Sequence[int], device: torch.device) -> None:
        """Draw by what each sample is changed and mixed in this epoch, if that has not been done.

        The tables stay where they are in memory: a training step that is captured as a CUDA graph reads them there.
        """
        if epoch == self._epoch and all(
            table is None or table.device == device for table in (self._changes, self._mixes)
        ):
            return
        self._epoch = epoch
        if self.augment is not None:
            height, width = image_shape[-2:]
            drawn = self.augment.table(self.n, height, width, self.seed, epoch, device)
            self._changes = _replaced(self._changes, drawn, device)
        if self.mix is not None:
            self._mixes = _replaced(self._mixes, self.mix.table(self.n, self.seed, epoch), device)

    def train(self, batch: Batch, epoch: int) -> Batch:
        """Augment as ``epoch`` has it, normalise, mix."""
        self.begin_epoch(epoch, batch.input.shape, batch.input.device)
        image = batch.input
        if self.augment is not None and self._changes is not None:
            image = self.augment.apply(image, self._changes[batch.id])
        batch = batch._replace(input=self.normalise(image.float()))
        if self.mix is None or self._mixes is None:
            return batch
        return self.mix(batch, self.num_classes, self._mixes[batch.id[:1]].squeeze(0))

    def evaluate(self, batch: Batch) -> Batch:
        """Normalise."""
        return batch._replace(input=self.normalise(batch.input.float()))

    def normalise(self, image: Tensor) -> Tensor:
        """Subtract the mean and divide by the standard deviation of each channel; pixels in 0..255."""
        if self._scale is None or self._scale[0] != image.device:
            mean, std = (255 * torch.tensor(v, device=image.device).view(-1, 1, 1) for v in (self.mean, self.std))
            self._scale = (image.device, mean, std)
        return (image - self._scale[1]) / self._scale[2]


def _replaced(table: Tensor | None, drawn: Tensor, device: torch.device) -> Tensor:
    """Write a table over the last epoch's, if that is on the device, else put it there."""
    return drawn.to(device) if table is None or table.device != device else table.copy_(drawn)
