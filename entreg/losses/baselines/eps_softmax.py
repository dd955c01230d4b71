"""Losses of the epsilon-softmax."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import ClassificationLoss, Options, mean_over_target
from entreg.losses.checks import check_range


class EpsSoftmaxLoss(ClassificationLoss):
    r"""Cross-entropy of the epsilon-softmax plus MAE, :math:`-\alpha \ln p^\epsilon_y + 2\beta\,(1 - p_y)`.

    .. math::
        p^\epsilon_k = \frac{p_k + m\,[k = \arg\max_j p_j]}{1 + m}

    J. Wang et al., *epsilon-softmax: approximating one-hot vectors for mitigating label noise*, NeurIPS 2024, arXiv
    2508.02387, with the factor 2 of the authors' code. The largest probability is raised until the prediction is all
    but one-hot. So entropy is low by construction, and not by a term, as in MIN-ENT: a right prediction has hardly a
    loss left, a wrong one has cross-entropy's gradient and a constant, :math:`\alpha \ln(1 + m)`.

    The loss jumps where another class becomes the largest. Where classes tie for the largest each counts as
    predicted, so that the names of the classes do not matter; the authors' code takes one of them. With probabilities
    as the target it is their mean.

    Args:
        m: what the largest probability is raised by, >= 0; 0 is softmax. The error :math:`\epsilon` falls with it.
        alpha: :math:`\alpha \ge 0`, weight of the cross-entropy.
        beta: :math:`\beta \ge 0`, weight of MAE. The defaults are the authors' for CIFAR-100 without noise; they tune
            all three.
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: on a negative ``m``, ``alpha`` or ``beta``.

    Example:
        >>> loss, logits = EpsSoftmaxLoss(m=3.0, alpha=1.0, beta=0.0), torch.tensor([[0.6, 0.4]]).log()
        >>> loss(logits, torch.tensor([0])), loss(logits, torch.tensor([1]))  # -ln(3.6 / 4), -ln(0.4 / 4)
        (tensor(0.1054), tensor(2.3026))
    """

    def __init__(self, m: float = 1e4, alpha: float = 0.1, beta: float = 1.0, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        for name, value in (("m", m), ("alpha", alpha), ("beta", beta)):
            check_range(name, value, 0.0)
        self.m = m
        self.alpha = alpha
        self.beta = beta

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the cost of the target, which depends on whether it is predicted."""
        predicted = logits >= logits.amax(1, keepdim=True)
        return mean_over_target(self.cost, target, torch.log_softmax(logits, 1), predicted)

    def cost(self, log_p: Tensor, predicted: Tensor) -> Tensor:
        r"""Return :math:`-\alpha \ln p^\epsilon + 2\beta\,(1 - p)`."""
        miss = -torch.expm1(log_p)
        # ln((p + m) / (1 + m)) as ln(1 - (1 - p) / (1 + m)): p would be lost beside m.
        sharpened = torch.log1p(torch.where(predicted, miss, 0.0) / -(1 + self.m))
        ce = torch.where(predicted, -sharpened, math.log1p(self.m) - log_p)
        return self.alpha * ce + 2 * self.beta * miss
