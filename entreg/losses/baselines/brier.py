"""Brier score as a loss."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import ClassificationLoss, Options


class BrierLoss(ClassificationLoss):
    r"""Brier score :math:`\sum_k (p_k - q_k)^2`, in [0, 2] (Brier 1950): a proper score with a bounded gradient.

    Args:
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Example:
        >>> BrierLoss()(torch.zeros(1, 4), torch.tensor([0]))
        tensor(0.7500)
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**options)

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the squared distance of prediction and target."""
        p = torch.softmax(logits, 1)
        if target.is_floating_point():
            return (p - target).square().sum(1)
        p_y = p.gather(1, target.unsqueeze(1)).squeeze(1)
        return p.square().sum(1) - 2 * p_y + 1
