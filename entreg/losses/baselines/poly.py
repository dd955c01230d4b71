"""Poly-1 loss."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import Options, TargetLoss
from entreg.losses.checks import check_range


class Poly1Loss(TargetLoss):
    r"""Poly-1 :math:`-\ln p_y + \varepsilon_1 (1 - p_y)` (Leng et al. 2022, arXiv 2204.12511).

    Cross-entropy with another first coefficient in its expansion in :math:`1 - p_y`. For hard targets it is
    MIX-ENT with :math:`c_{ce} = 1` and :math:`c_2 = \varepsilon_1 / (-\ln\epsilon)`.

    Args:
        epsilon: :math:`\varepsilon_1 \ge -1`, where the gradient of a sure and right prediction vanishes; 0 is
            cross-entropy, 2 the paper's value for ImageNet.
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: if ``epsilon`` is below -1.

    Example:
        >>> Poly1Loss(epsilon=2.0)(torch.zeros(1, 2), torch.tensor([0]))  # ln(2) + 1
        tensor(1.6931)
    """

    def __init__(self, epsilon: float = 2.0, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        check_range("epsilon", epsilon, -1.0)
        self.epsilon = epsilon

    def cost(self, log_p: Tensor) -> Tensor:
        r"""Return :math:`-\ln p + \varepsilon_1 (1 - p)`."""
        return -log_p - self.epsilon * torch.expm1(log_p)
