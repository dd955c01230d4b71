"""Negative label smoothing."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from typing_extensions import Unpack

from entreg.losses.baselines.base import ClassificationLoss, Options, mean_over_target
from entreg.losses.checks import check_range


class NegativeLabelSmoothingLoss(ClassificationLoss):
    r"""Negative label smoothing :math:`(1 - r)\,CE - \frac{r}{C}\sum_k \ln p_k` with a rate :math:`r \le 0`.

    J. Wei et al., *To smooth or not? When label smoothing meets noisy labels*, ICML 2022, arXiv 2106.04149, eq. 1. It
    sharpens as label smoothing softens: the nearest rival of an entropy term, MIN-ENT's, that needs none. Against
    noisy labels the paper tries rates from -0.2 to -8 after a warm-up with cross-entropy.

    Below 0 the loss has no minimum. With the target's logit a distance d above all others it falls as
    :math:`r \frac{C - 1}{C} d`, its gradient never vanishes, and nothing but weight decay, the learning rate or the
    end of the training stops the logits from growing; a loss below 0 is no sign of an error. For the same reason a
    logit of ``-inf`` makes it infinite. Class weights weigh the whole loss of a sample, where those of
    :class:`entreg.losses.LabelSmoothingLoss` weigh each class in it.

    Args:
        rate: :math:`r \le 0`; 0 is cross-entropy. By default the mildest rate of the paper.
        options: what :class:`ClassificationLoss` takes.

    Shape:
        as :class:`ClassificationLoss`.

    Raises:
        ValueError: on a positive ``rate``, which is label smoothing.

    Example:
        >>> sure = torch.tensor([[10.0, 0.0]])  # -1 * 1/2 * 10, to four digits
        >>> NegativeLabelSmoothingLoss(rate=-1.0)(sure, torch.tensor([0]))
        tensor(-5.0000)
    """

    def __init__(self, rate: float = -0.2, **options: Unpack[Options]) -> None:
        super().__init__(**options)
        check_range("rate", rate, -math.inf, 0.0)
        self.rate = rate

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return cross-entropy and the pull away from equal probabilities."""
        log_p = torch.log_softmax(logits, 1)
        return (1 - self.rate) * mean_over_target(torch.neg, target, log_p) - self.rate * log_p.mean(1)
