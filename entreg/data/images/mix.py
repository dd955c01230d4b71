"""MixUp and CutMix of a training batch, through torchvision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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
    """

    kind: Literal["mixup", "cutmix"] = "mixup"
    alpha: float = 0.2

    def __post_init__(self) -> None:
        if self.kind not in ("mixup", "cutmix"):
            raise ConfigError(f"data.mix.kind is mixup or cutmix, got {self.kind!r}")
        if not self.alpha > 0:
            raise ConfigError(f"data.mix.alpha is a number > 0, got {self.alpha}")

    def __call__(self, batch: Batch, num_classes: int, seed: int, epoch: int) -> Batch:
        """Return the batch mixed, its targets probabilities ``(N, num_classes)``; a function of (seed, epoch, ids)."""
        from torchvision.transforms import v2  # seconds to import, rarely needed

        mix = (v2.MixUp if self.kind == "mixup" else v2.CutMix)(alpha=self.alpha, num_classes=num_classes)
        first = int(batch.id[0])  # no sample is twice in an epoch: it names the batch
        image: Tensor
        target: Tensor
        with torch.random.fork_rng(devices=[]):  # lambda and the box are drawn on the CPU
            torch.default_generator.manual_seed(counter_seed(seed, epoch, first, "mix"))
            image, target = mix(batch.input, batch.target)
        return batch._replace(input=image, target=target)
