"""Dual focal loss."""

from __future__ import annotations

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import ClassificationLoss, Options, mean_over_target
from entreg.losses.checks import check_range


class DualFocalLoss(ClassificationLoss):
    r"""Dual focal loss :math:`-(1 - p_y + p_j)^\gamma \ln p_y`, :math:`p_j` the largest probability below :math:`p_y`.

    L. Tao, M. Dong and C. Xu, *Dual focal loss for calibration*, ICML 2023, arXiv 2305.13665. Focal loss makes
    predictions underconfident; here a sample counts until its target is far ahead of the next class, not until it is
    certain. Where no class has less than the target, :math:`p_j` is 0 and the loss is focal loss.

    The loss jumps where the target overtakes another class, as that class becomes :math:`p_j`: by up to a factor
    :math:`(1 - p_y)^{-\gamma}`. With probabilities as the target it is their mean, each class with the next below it.

    Args:
        gamma: :math:`\gamma \ge 0`; 0 is cross-entropy. By default the authors' for a ResNet-50 on CIFAR-10.
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: on a negative ``gamma``.

    Example:
        >>> logits = torch.tensor([[0.5, 0.3, 0.2]]).log()
        >>> DualFocalLoss(gamma=1.0)(logits, torch.tensor([0]))  # (1 - 0.5 + 0.3) ln 2
        tensor(0.5545)
    """

    def __init__(self, gamma: float = 5.0, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        check_range("gamma", gamma, 0.0)
        self.gamma = gamma

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the cost of the target beside the next class."""
        log_p = torch.log_softmax(logits, 1)
        p = log_p.exp()
        if target.is_floating_point():
            below = next_below(p)
        else:
            p_y = p.gather(1, target.unsqueeze(1))
            below = torch.where(p < p_y, p, 0.0).amax(1, keepdim=True).expand_as(p)
        return mean_over_target(self.cost, target, log_p, below)

    def cost(self, log_p: Tensor, below: Tensor) -> Tensor:
        r"""Return :math:`-(1 - p + p_j)^\gamma \ln p`."""
        # The smallest number for a base of 0, where the slope of a power below 1 is infinite.
        base = (below - torch.expm1(log_p)).clamp(min=torch.finfo(log_p.dtype).tiny)
        return -(base**self.gamma) * log_p


def next_below(values: Tensor) -> Tensor:
    """Return, for each of the values >= 0 along dimension 1, the largest that is smaller, 0 where none is.

    Example:
        >>> next_below(torch.tensor([[0.3, 0.5, 0.3, 0.1]]))
        tensor([[0.1000, 0.3000, 0.1000, 0.0000]])
    """
    ordered, order = values.sort(1)
    before = torch.cat((torch.zeros_like(ordered[:, :1]), ordered[:, :-1]), 1)
    # Of equal values only the first has a smaller one before it, and the largest so far is that one for all of them.
    below = torch.where(before < ordered, before, 0.0).cummax(1).values
    return torch.zeros_like(values).scatter(1, order, below)
