"""MixUp and CutMix of a training batch, where the batch lives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from entreg.data.samples import Batch
from entreg.data.sampling import counter_seed
from entreg.errors import ConfigError


@dataclass(frozen=True)
class Mix:
    r"""Mix each image of a training batch with another one of it, and their targets alike.

    ``"mixup"`` (Zhang et al. 2018, arXiv 1710.09412): :math:`\lambda x_i + (1 - \lambda) x_j`; ``"cutmix"`` (Yun et al.
    2019, arXiv 1905.04899): a box of :math:`x_j` in :math:`x_i`. One :math:`\lambda \sim Beta(\alpha, \alpha)` a batch.

    A sample's partner stands in its own batch, on its own process: here alone what a sample looks like depends on the
    batch size and on the number of processes. Training metrics skip mixed targets.

    Args:
        kind: ``"mixup"`` or ``"cutmix"``.
        alpha: of the Beta distribution, > 0.

    Raises:
        ConfigError: on another kind, or if ``alpha`` is out of range.
    """

    kind: Literal["mixup", "cutmix"] = "mixup"
    alpha: float = 0.2

    def __post_init__(self) -> None:
        if self.kind not in ("mixup", "cutmix"):
            raise ConfigError(f"data.mix.kind is mixup or cutmix, got {self.kind!r}")
        if not self.alpha > 0:
            raise ConfigError(f"data.mix.alpha is a number > 0, got {self.alpha}")

    def table(self, n: int, seed: int, epoch: int) -> Tensor:
        r"""Draw :math:`\lambda` and the middle of the box (x, y in 0..1) for a batch that begins with each sample.

        No sample is twice in an epoch: the first one names its batch. ``(n, 3)`` float32.
        """
        generator = np.random.default_rng(counter_seed(seed, epoch, "mix"))
        lam = generator.beta(self.alpha, self.alpha, n)
        return torch.from_numpy(np.column_stack([lam, generator.random((n, 2))])).float()

    def __call__(self, batch: Batch, num_classes: int, drawn: Tensor) -> Batch:
        """Return the batch mixed, each sample with the one before it.

        Args:
            batch: images ``(N, C, H, W)``, floating point, and class indices.
            num_classes: number of classes K.
            drawn: row of :meth:`table`, ``(3,)``.

        Returns:
            targets are probabilities ``(N, K)``.
        """
        lam, x, y = drawn
        image, other = batch.input, batch.input.roll(1, 0)
        if self.kind == "cutmix":
            inside = _box(lam, x, y, *image.shape[-2:])
            lam = 1 - inside.float().mean()  # the box is cut off at the image's border
            image = torch.where(inside, other, image)
        else:
            image = image * lam + other * (1 - lam)
        target = image.new_zeros(len(image), num_classes).scatter_(1, batch.target[:, None], 1.0)
        return batch._replace(input=image, target=target * lam + target.roll(1, 0) * (1 - lam))


def _box(lam: Tensor, x: Tensor, y: Tensor, height: int, width: int) -> Tensor:
    r"""Pixels of a box with a share of :math:`1 - \lambda` of the image around (x, y), ``(H, W)`` bool."""
    half = (1 - lam).sqrt() / 2
    across, down = torch.arange(width, device=lam.device), torch.arange(height, device=lam.device)
    columns = (across - (x * width).floor() + 0.5).abs() < (half * width).floor()
    rows = (down - (y * height).floor() + 0.5).abs() < (half * height).floor()
    return rows[:, None] & columns
