"""Cross-entropy whose gradient is weighted by a Brier score."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import ClassificationLoss, Options, distribution, mean_over_target
from entreg.losses.checks import check_range


class BSCEGRALoss(ClassificationLoss):
    r"""BSCE-GRA :math:`\mathrm{sg}(\lVert q - p \rVert_2^\gamma)\,CE`, sg: as a constant, without a gradient.

    J. Lin et al., *Uncertainty weighted gradients for model calibration*, CVPR 2025, arXiv 2503.22725. Of the recent
    losses this one is here because a study of MIN-ENT would miss it most. It is cross-entropy with other weights of
    the samples and nothing else: sure ones count little, where MIN-ENT adds a pull on each that leans to a class. So
    it tells apart what comes from the choice of samples and what from the pull on predictions, which focal loss mixes.

    As the weight has no gradient, autograd's gradient is not the slope of the value, on purpose.

    Args:
        gamma: :math:`\gamma \ge 0`; 0 is cross-entropy, and 4, with the norm of order 2, is the authors'.
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: on a negative ``gamma``.

    Example:
        >>> BSCEGRALoss()(torch.zeros(1, 2), torch.tensor([0]))  # (1/4 + 1/4)^2 ln 2
        tensor(0.1733)
    """

    def __init__(self, gamma: float = 4.0, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        check_range("gamma", gamma, 0.0)
        self.gamma = gamma

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the weighted cross-entropy."""
        log_p = torch.log_softmax(logits, 1)
        brier = (distribution(target, log_p) - log_p.exp()).detach().square().sum(1)
        return brier ** (self.gamma / 2) * mean_over_target(torch.neg, target, log_p)
