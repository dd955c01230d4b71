"""Generalized cross-entropy and its end, the mean absolute error: losses that bear noisy labels."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import Options, TargetLoss
from entreg.losses.checks import check_range


class GeneralizedCrossEntropyLoss(TargetLoss):
    r"""Generalized cross-entropy :math:`(1 - p_y^q) / q` (Zhang and Sabuncu 2018, arXiv 1805.07836, eq. 6).

    The Box-Cox transform of :math:`p_y`: cross-entropy for :math:`q \to 0`, half the mean absolute error at
    :math:`q = 1`.

    Args:
        q: :math:`q \in [0, 1]`; the paper uses 0.7.
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: if ``q`` is outside [0, 1].

    Example:
        >>> GeneralizedCrossEntropyLoss(q=1.0)(torch.zeros(1, 4), torch.tensor([0]))
        tensor(0.7500)
    """

    def __init__(self, q: float = 0.7, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        check_range("q", q, 0.0, 1.0)
        self.q = q

    def cost(self, log_p: Tensor) -> Tensor:
        """Return :math:`(1 - p^q) / q`."""
        return -torch.expm1(self.q * log_p) / self.q if self.q > 1e-6 else -log_p


class MeanAbsoluteErrorLoss(TargetLoss):
    r"""Mean absolute error :math:`2\,(1 - p_y)`, for hard targets :math:`\sum_k |p_k - q_k|` (arXiv 1712.09482).

    MIX-ENT's second term is a multiple of it, :math:`RCE = -\tfrac{1}{2} \ln\epsilon \cdot MAE` for hard targets.

    Args:
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Example:
        >>> MeanAbsoluteErrorLoss()(torch.zeros(1, 4), torch.tensor([0]))
        tensor(1.5000)
    """

    def __init__(self, **options: Unpack[Options]) -> None:
        super().__init__(**options)

    def cost(self, log_p: Tensor) -> Tensor:
        """Return :math:`2 (1 - p)`."""
        return -2 * torch.expm1(log_p)
