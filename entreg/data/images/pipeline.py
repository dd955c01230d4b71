"""What is done to a batch where it is used: cast, warp, normalise, mix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from entreg.data.images.augment import Warp, warp
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
        augment: random warp of training images, or ``None``.
        mix: MixUp or CutMix of training batches, or ``None``.
        seed: seed of the run.
    """

    n: int
    num_classes: int
    mean: Sequence[float]
    std: Sequence[float]
    augment: Warp | None = None
    mix: Mix | None = None
    seed: int = 0
    _table: tuple[int, torch.device, Tensor] | None = field(default=None, init=False, repr=False)
    _scale: tuple[torch.device, Tensor, Tensor] | None = field(default=None, init=False, repr=False)

    def train(self, batch: Batch, epoch: int) -> Batch:
        """Warp as ``epoch`` has it, normalise, mix."""
        image = batch.input.float()
        if self.augment is not None:
            image = warp(image, self._homographies(self.augment, epoch, image)[batch.id])
        batch = batch._replace(input=self.normalise(image))
        return batch if self.mix is None else self.mix(batch, self.num_classes, self.seed, epoch)

    def evaluate(self, batch: Batch) -> Batch:
        """Normalise."""
        return batch._replace(input=self.normalise(batch.input.float()))

    def normalise(self, image: Tensor) -> Tensor:
        """Subtract the mean and divide by the standard deviation of each channel; pixels in 0..255."""
        if self._scale is None or self._scale[0] != image.device:
            mean, std = (255 * torch.tensor(v, device=image.device).view(-1, 1, 1) for v in (self.mean, self.std))
            self._scale = (image.device, mean, std)
        return (image - self._scale[1]) / self._scale[2]

    def _homographies(self, augment: Warp, epoch: int, image: Tensor) -> Tensor:
        """Those of all samples for this epoch, drawn once and kept on the device."""
        if self._table is None or self._table[:2] != (epoch, image.device):
            height, width = image.shape[-2:]
            table = augment.table(self.n, height, width, self.seed, epoch)
            self._table = (epoch, image.device, table.to(image.device))
        return self._table[2]
