"""Class-wise calibration error: the probability of every class against how often that class is the target."""

from __future__ import annotations

from torch import Tensor


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
