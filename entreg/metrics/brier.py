"""Decomposition of the top-label Brier score into reliability, resolution and uncertainty."""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor


class BrierDecomposition(NamedTuple):
    """Parts of a top-label Brier score: scalars, float64."""

    score: Tensor
    """Mean squared difference of confidence and correctness, in [0, 1]: the sum of the parts."""
    reliability: Tensor
    """Squared gap of confidence and accuracy of the bins: the squared l2 calibration error; lower is better."""
    resolution: Tensor
    """Variance of the bins' accuracies: how well confidence separates right from wrong; higher is better."""
    uncertainty: Tensor
    """Variance of correctness, acc (1 - acc): not a matter of confidence."""
    within_bin_variance: Tensor
    """Mean variance of the confidences within bins."""
    within_bin_covariance: Tensor
    """Twice the mean covariance of confidence and correctness within bins."""


def brier_decomposition(state: Tensor) -> BrierDecomposition:
    r"""Decompose the top-label Brier score over bins of confidence.

    With confidence f, correctness o, bin means :math:`\bar f_m, \bar o_m` and the accuracy :math:`\bar o`,

    .. math::
        \frac1n \sum_i (f_i - o_i)^2 =
        \underbrace{\sum_m \frac{n_m}{n} (\bar f_m - \bar o_m)^2}_{\text{reliability}}
        - \underbrace{\sum_m \frac{n_m}{n} (\bar o_m - \bar o)^2}_{\text{resolution}}
        + \underbrace{\bar o (1 - \bar o)}_{\text{uncertainty}}
        + \underbrace{\frac1n \sum_{m,i} (f_i - \bar f_m)^2}_{\text{within-bin variance}}
        - \underbrace{\frac2n \sum_{m,i} (f_i - \bar f_m) (o_i - \bar o_m)}_{\text{within-bin covariance}}.

    The first three are Murphy's and sum to the score only if confidence is constant within a bin; with the other two
    the sum is exact for any bins. The *multi-class* Brier score, :class:`entreg.metrics.Brier`, is another quantity.

    Source: Murphy 1973, doi 10.1175/1520-0450(1973)012<0595:ANVPOT>2.0.CO;2; Stephenson, Coelho, Jolliffe 2008, doi
    10.1175/2007WAF2006116.1.

    Args:
        state: ``(5, B)`` as :func:`~entreg.metrics.bin_moments` returns it, summed over any number of batches.

    Returns:
        the score and its parts, NaN for an empty state.

    Example:
        >>> import torch
        >>> from entreg.metrics import bin_moments
        >>> state = bin_moments(torch.tensor([0.5, 1.0, 1.0]), torch.tensor([False, True, False]), bins=2)
        >>> parts = brier_decomposition(state)
        >>> round(parts.score.item(), 4), round((parts.reliability - parts.resolution + parts.uncertainty).item(), 4)
        (0.4167, 0.4722)
    """
    count, confidence, correct, squares, products = state
    n, some = count.sum(), count.clamp(min=1)
    mean_confidence, accuracy, overall = confidence / some, correct / some, correct.sum() / n
    return BrierDecomposition(
        score=(squares - 2 * products + correct).sum() / n,
        reliability=(count * (mean_confidence - accuracy).square()).sum() / n,
        resolution=(count * (accuracy - overall).square()).sum() / n,
        uncertainty=overall * (1 - overall),
        within_bin_variance=(squares - confidence * mean_confidence).sum().clamp(min=0) / n,
        within_bin_covariance=2 * (products - confidence * accuracy).sum() / n,
    )
