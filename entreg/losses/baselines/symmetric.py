"""Symmetric cross-entropy."""

from __future__ import annotations

import math

from typing_extensions import Unpack

from entreg.losses.baselines.base import Options
from entreg.losses.checks import check_range
from entreg.losses.family import EntropyRegularizedLoss


class SymmetricCrossEntropyLoss(EntropyRegularizedLoss):
    r"""Symmetric cross-entropy :math:`\alpha\,CE(q, p) + \beta\,RCE(p, q)` with :math:`\ln 0 := A`.

    Wang et al. 2019, arXiv 1908.06112, where all three numbers are tuned to the data; the defaults are no more than a
    start. It is MIX-ENT with fixed coefficients and :math:`\epsilon = e^A`.

    Args:
        alpha: weight of the cross-entropy, >= 0.
        beta: weight of the reverse cross-entropy, >= 0.
        clip: :math:`A < 0`, what stands for :math:`\ln 0`: the target is clamped at :math:`e^A`.
        options: what :class:`EntropyRegularizedLoss` takes by keyword, except ``eps``.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: on a negative weight or a ``clip`` that is not negative.

    Example:
        >>> import torch
        >>> SymmetricCrossEntropyLoss()(torch.zeros(1, 4), torch.tensor([0]))  # 0.1 ln 4 + 4 * 3 / 4
        tensor(3.1386)
    """

    def __init__(self, alpha: float = 0.1, beta: float = 1.0, clip: float = -4.0, **options: Unpack[Options]) -> None:
        check_range("alpha", alpha, 0.0)
        check_range("beta", beta, 0.0)
        if not -87 < clip < 0:  # e^-87 is near the smallest float32
            raise ValueError(f"clip stands for ln 0 and must lie between -87 and 0, got {clip}")
        super().__init__(ce=alpha, rce=beta, eps=math.exp(clip), **options)
