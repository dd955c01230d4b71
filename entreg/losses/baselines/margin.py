"""Margin-based label smoothing."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import ClassificationLoss, Options, mean_over_target
from entreg.losses.checks import check_range


class MarginLabelSmoothingLoss(ClassificationLoss):
    r"""Margin-based label smoothing :math:`CE + \frac{\alpha}{C}\sum_k \max(0, \max_j z_j - z_k - m)`.

    B. Liu et al., *The devil is in the margin*, CVPR 2022, arXiv 2111.15430, with the mean over classes of the
    authors' code. It is the recent calibration loss of choice here because it is the mirror image of an entropy term:
    low entropy needs logits far apart, and the paper derives label smoothing, focal loss and the confidence penalty
    as pulls that draw them together without end, where this one stops at a margin. It has a value for each sample,
    which the differentiable calibration errors have not. Classes with a logit of ``-inf`` are left out.

    Args:
        margin: distance :math:`m \ge 0` that logits may have for free.
        alpha: strength :math:`\alpha \ge 0`; 0 is cross-entropy.
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: on a negative ``margin`` or ``alpha``.

    Example:
        >>> logits = torch.tensor([[20.0, 0.0]])
        >>> MarginLabelSmoothingLoss(margin=10.0, alpha=0.1)(logits, torch.tensor([0]))
        tensor(0.5000)
    """

    def __init__(self, margin: float = 10.0, alpha: float = 0.1, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        check_range("margin", margin, 0.0)
        check_range("alpha", alpha, 0.0)
        self.margin = margin
        self.alpha = alpha

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return cross-entropy plus the excess of the distances over the margin."""
        log_p = torch.log_softmax(logits, 1)
        ce = mean_over_target(torch.neg, target, log_p)
        present = torch.isfinite(logits)
        distance = logits.amax(1, keepdim=True) - torch.where(present, logits, 0.0)
        excess = torch.where(present, F.relu(distance - self.margin), 0.0)
        return ce + self.alpha * excess.sum(1) / logits.shape[1]
