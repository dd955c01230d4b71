"""Equivalence within a margin: that a difference was not found does not show that there is none."""

from __future__ import annotations

from entreg.compare.stats.intervals import Estimate
from entreg.compare.stats.quantiles import upper_tail


def tost(estimate: Estimate, margin: float) -> float | None:
    r"""p-value of two one-sided t-tests: small if the mean lies within :math:`\pm` ``margin`` beyond doubt.

    .. math:: p = \max\bigl(P(T \ge (\bar d + m) / se),\; P(T \le (\bar d - m) / se)\bigr)
              = P\bigl(T \ge (m - |\bar d|) / se\bigr)

    At 5 % it rejects exactly where the 90 % interval lies inside the margin.

    Args:
        estimate: mean difference, as :func:`~entreg.compare.stats.intervals.paired_estimate` or
            :func:`~entreg.compare.stats.hierarchical.hierarchical_estimate` returns it.
        margin: largest difference that does not matter, > 0, in the unit of the metric. It is to be stated before the
            results are seen.

    Returns:
        the p-value, ``None`` for an estimate without standard error.

    Raises:
        ValueError: if ``margin`` is not positive.

    Source: Schuirmann 1987, *A comparison of the two one-sided tests procedure and the power approach*.

    Example:
        >>> from entreg.compare.stats.intervals import paired_estimate
        >>> round(tost(paired_estimate([95.1, 95.2, 95.3], [95.1, 95.3, 95.2]), margin=0.3), 3)
        0.018
    """
    if not margin > 0:
        raise ValueError(f"margin {margin}: expected > 0, the largest difference that does not matter")
    if estimate.mean is None or estimate.standard_error is None:
        return None
    nearest = (margin - abs(estimate.mean)) / estimate.standard_error
    return upper_tail(nearest, estimate.n - 1, estimate.share)
