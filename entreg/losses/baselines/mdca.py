"""Multi-class difference of confidence and accuracy."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import Options, distribution
from entreg.losses.baselines.focal import FocalLoss
from entreg.losses.checks import check_of_batch, check_range


class MDCALoss(FocalLoss):
    r"""Cross-entropy, or focal loss, plus the multi-class difference of confidence and accuracy.

    .. math::
        -(1 - p_y)^\gamma \ln p_y + \beta\,\frac{1}{C}\sum_k
            \left\lvert \frac{1}{N}\sum_i p_{ik} - \frac{1}{N}\sum_i q_{ik} \right\rvert

    R. Hebbalaguppe et al., *A stitch in time saves nine*, CVPR 2022, arXiv 2203.13834: each class is to be predicted as
    often as it occurs in the batch. That is a property of the batch: it has no value for one sample, knows no class
    weights, and means something only where a class is expected in the batch more than once or so. With several
    processes each takes its own batch for it, so the loss depends on their number, unlike one of samples.

    Args:
        strength: :math:`\beta \ge 0`; 1 in the authors' scripts, 0 leaves the rest.
        gamma: :math:`\gamma \ge 0` of the focal loss; 0 is cross-entropy, and the authors use 1 to 3 too.
        options: what :class:`ClassificationLoss` takes; ``"mean"`` and ``"sum"`` reduce the first part.

    Shape:
        as :class:`ClassificationLoss`, where the output is a scalar.

    Raises:
        ValueError: on a negative ``strength`` or ``gamma``, or the reduction ``"none"``.

    Example:
        >>> logits = torch.tensor([[0.75, 0.25], [0.75, 0.25]]).log()
        >>> MDCALoss().difference(logits, torch.tensor([0, 1]))  # class 0 has 0.75 and is half of the batch
        tensor(0.2500)
    """

    def __init__(self, strength: float = 1.0, gamma: float = 0.0, **options: Unpack[Options]) -> None:
        super().__init__(gamma, **options)
        check_range("strength", strength, 0.0)
        check_of_batch("MDCA", self.reduction)
        self.strength = strength

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``logits`` against class indices or probabilities."""
        return super().forward(logits, target) + self.strength * self.difference(logits, target)

    def difference(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the mean over classes of the distance of mean prediction and share, a scalar in [0, 2 / C]."""
        if logits.ndim == 1:
            logits, target = logits.unsqueeze(0), target.unsqueeze(0)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if target.is_floating_point():
            excess = torch.softmax(logits, 1) - target.to(logits.dtype)
            count: Tensor | int = max(target.numel() // target.shape[1], 1)
        else:
            target = target.long()
            keep = target != self.ignore_index
            logits = torch.where(keep.unsqueeze(1), logits, 0.0)
            q = distribution(torch.where(keep, target, 0), logits)
            excess = torch.where(keep.unsqueeze(1), torch.softmax(logits, 1) - q, 0.0)
            count = keep.sum().clamp(min=1)
        return (excess.transpose(0, 1).flatten(1).sum(1) / count).abs().mean()
