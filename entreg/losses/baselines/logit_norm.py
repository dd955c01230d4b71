"""Logit normalisation."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import ClassificationLoss, Options, mean_over_target

_SHORTEST = 5e-4  # what has a smaller norm is divided by this: the gradient at 0 is one that half precision holds


class LogitNormLoss(ClassificationLoss):
    r"""Cross-entropy of normalised logits, :math:`CE(q, \mathrm{softmax}(z / (\tau \lVert z \rVert_2)))`.

    H. Wei et al., *Mitigating neural network overconfidence with logit normalization*, ICML 2022, arXiv 2205.09310. The
    length of the logits, by which networks grow certain without end, counts for nothing; what is left to learn is
    their direction. That is as far as a loss can go against certainty, where MIN-ENT pulls towards it.

    A network so trained gives logits of any length, as no loss holds it: :math:`\mathrm{softmax}(z)`, by which metrics
    judge it, means little before a temperature is fitted on validation data, and likelihood and calibration error are
    to be compared after that. A constant added to all logits changes the loss. It cannot fall below
    :math:`\ln(1 + (C - 1)\,e^{-\sqrt{C / (C - 1)} / \tau})`. Logits of 0 have no direction: a norm below 0.0005
    counts as 0.0005 (the authors add 1e-7 to it), which keeps the gradient there finite, in half precision too.
    Classes with a logit of ``-inf`` are left out.

    Args:
        temperature: :math:`\tau > 0`; 0.04 is the paper's for CIFAR-10, which it tunes.
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: if ``temperature`` is not a finite number > 0.

    Example:
        >>> LogitNormLoss(temperature=1.0)(torch.tensor([[3.0, 4.0]]), torch.tensor([1]))  # ln(1 + e^(0.6 - 0.8))
        tensor(0.5981)
    """

    def __init__(self, temperature: float = 0.04, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        if not 0 < temperature < math.inf:
            raise ValueError(f"temperature must be a finite number > 0, got {temperature}")
        self.temperature = temperature

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the cross-entropy of the direction of the logits."""
        off = logits == -math.inf
        z = torch.where(off, 0.0, logits)
        # Divided by the largest first, so that no square overflows; the norm cancels it, in the gradient too.
        size = z.detach().abs().amax(1, keepdim=True).clamp(min=_SHORTEST)
        z = z / size
        norm = z.square().sum(1, keepdim=True).clamp(min=(_SHORTEST / size).square()).sqrt()
        log_p = torch.log_softmax(torch.where(off, -math.inf, z / norm / self.temperature), 1)
        return mean_over_target(torch.neg, target, log_p)
