"""Focal loss."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import Options, TargetLoss
from entreg.losses.checks import check_range


class FocalLoss(TargetLoss):
    r"""Focal loss :math:`-(1 - p_y)^\gamma \ln p_y` (Lin et al. 2017, arXiv 1708.02002, eq. 4).

    It turns away from samples that are already right. Minimised, it bounds the divergence of prediction and target
    minus :math:`\gamma H(p)` (Mukhoti et al. 2020, arXiv 2002.09437): a confidence penalty, MIN-ENT's opposite.

    Args:
        gamma: :math:`\gamma \ge 0`; 0 is cross-entropy.
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: on a negative ``gamma``.

    Example:
        >>> FocalLoss(gamma=2.0)(torch.zeros(1, 2), torch.tensor([0]))  # ln(2) / 4
        tensor(0.1733)
    """

    def __init__(self, gamma: float = 2.0, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        check_range("gamma", gamma, 0.0)
        self.gamma = gamma

    def cost(self, log_p: Tensor) -> Tensor:
        r"""Return :math:`-(1 - p)^\gamma \ln p`."""
        # The smallest number for 1 - p = 0, where the slope of a power below 1 is infinite.
        miss = (-torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
        return -(miss**self.gamma) * log_p
