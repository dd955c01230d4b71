"""Class-wise calibration error: the probability of every class against how often that class is the target."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from entreg.metrics.binning import bin_classes, probabilities


def classwise_calibration_error(state: Tensor) -> Tensor:
    r"""Class-wise expected calibration error of a bin state, in [0, 1].

    .. math:: \frac{1}{C} \sum_k \sum_m \frac{n_{km}}{n} |freq_{km} - conf_{km}|

    where bin m of class k holds the samples whose probability of class k lies in it. With many classes nearly all
    probabilities are near 0 and so is the score: compare it only between models of one number of classes.

    Source: Kull et al. 2019, arXiv 1910.12656.

    Args:
        state: ``(3, C, B)`` as :func:`~entreg.metrics.bin_classes` returns it, summed over any number of batches.

    Returns:
        scalar float64, NaN for an empty state.
    """
    count, probability, of_class = state
    return (of_class - probability).abs().sum() / count.sum()


class ClasswiseCalibrationError(Metric):
    """Class-wise expected calibration error from logits.

    Args:
        num_classes: number of classes C.
        bins: number of equally wide bins of each class.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    The sums are float64; those of tiny probabilities round, so batching may change the last digits of the result.

    Shape:
        logits ``(N, C)`` floating point; target ``(N,)`` int64; result scalar float64 in [0, 1].

    Raises:
        ValueError: if ``bins`` or ``num_classes`` is below 1.

    Example:
        >>> metric = ClasswiseCalibrationError(num_classes=2, bins=10)
        >>> metric.update(torch.tensor([[0.0, 0.0], [50.0, 0.0]]), torch.tensor([0, 0]))
        >>> metric.compute()
        tensor(0.2500, dtype=torch.float64)
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False
    state: Tensor

    def __init__(self, num_classes: int, bins: int = 15, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        for name, value in (("num_classes", num_classes), ("bins", bins)):
            if value < 1:
                raise ValueError(f"{name} must be >= 1, got {value}")
        self.bins = bins
        self.add_state("state", torch.zeros(3, num_classes, bins, dtype=torch.float64), dist_reduce_fx="sum")

    def update(self, logits: Tensor, target: Tensor) -> None:
        """Add a batch."""
        self.state += bin_classes(probabilities(logits), target, self.bins)

    def compute(self) -> Tensor:
        """Return the error over all batches."""
        return classwise_calibration_error(self.state)
