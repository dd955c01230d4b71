"""Mean and interval of one arm over its seeds, and of the difference of two arms paired by seed."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import chdtri

from entreg.compare.stats.quantiles import Freedom, critical_value, upper_tail

Floats = NDArray[np.float64]

ROUNDING = 1e-7  # values may have been float32 once; what varies less than that, does not vary


class Interval(NamedTuple):
    """Confidence interval, both ends included."""

    low: float
    high: float

    def cut(self, lowest: float) -> Interval:
        """Return what of it is not below ``lowest``."""
        return Interval(max(self.low, lowest), max(self.high, lowest))


@dataclass(frozen=True)
class Estimate:
    """A mean over seeds with its standard error and what follows from it.

    Attributes:
        n: number of seeds.
        mean: estimate, ``None`` without values.
        sd: standard deviation of the values, ``None`` with less than two.
        standard_error: of the mean; ``None`` with less than two values, or where the values do not vary.
        share: part of the squared standard error that comes from the seeds, with n - 1 degrees of freedom.
        interval: confidence interval of the mean, ``None`` without a standard error.
        p: two-sided p-value of a mean of zero, ``None`` without a standard error.
    """

    n: int
    mean: float | None = None
    sd: float | None = None
    standard_error: float | None = None
    share: float = 1.0
    interval: Interval | None = None
    p: float | None = None


def interval(mean: float, standard_error: float, df: Freedom, share: float = 1.0, level: float = 0.95) -> Interval:
    """``mean`` plus and minus :func:`~entreg.compare.stats.quantiles.critical_value` times ``standard_error``."""
    half = critical_value(1 - level, df, share) * standard_error
    return Interval(mean - half, mean + half)


def two_sided_p(mean: float, standard_error: float, df: Freedom, share: float = 1.0) -> float:
    """p-value of a true mean of zero."""
    return 2 * upper_tail(abs(mean) / standard_error, df, share)


def mean_estimate(values: ArrayLike, level: float = 0.95, scale: float | None = None) -> Estimate:
    r"""Mean over seeds with Student's interval, :math:`\bar x \pm t_{n-1} s / \sqrt n`.

    Right for normal values at any n from 2 on. One value, or values that do not vary, say nothing about how much they
    could: they have a mean, and no standard error, interval or p-value.

    Args:
        values: ``(n,)``, one of each seed, in the unit of the metric.
        level: confidence level of the interval.
        scale: size of what the values were computed from; variation below ``1e-7 * scale`` is rounding. Default: the
            largest magnitude among the values.

    Raises:
        ValueError: if the values are not one finite row.

    Source: Student 1908, *The probable error of a mean*.

    Example:
        >>> estimate = mean_estimate([95.1, 95.3, 95.2])
        >>> print(f"{estimate.mean:.2f}, {estimate.interval.low:.2f} to {estimate.interval.high:.2f}")
        95.20, 94.95 to 95.45
    """
    x = finite_row(values)
    n = len(x)
    mean = float(x.mean()) if n else None
    sd = standard_deviation(x, scale) if n > 1 else None
    if not sd or mean is None:
        return Estimate(n, mean, sd)
    error = sd / math.sqrt(n)
    return Estimate(n, mean, sd, error, 1.0, interval(mean, error, n - 1, 1.0, level), two_sided_p(mean, error, n - 1))


def paired_estimate(values: ArrayLike, baseline: ArrayLike, level: float = 0.95) -> Estimate:
    """Mean of ``values - baseline`` over seeds, with Student's interval and the p-value of the paired t-test.

    The target of inference is the expected difference over training seeds *on these test images*;
    :func:`~entreg.compare.stats.hierarchical.hierarchical_estimate` is about new images as well. A difference that is
    the same for every seed has no standard error: with few seeds or few images this happens by chance, so it is not
    taken for certainty (``scipy.stats.ttest_rel`` gives p = 0 there).

    Args:
        values: ``(n,)``, the arm's metric for each seed.
        baseline: ``(n,)``, the baseline's for the same seeds in the same order.
        level: confidence level of the interval.

    Raises:
        ValueError: if the two are not finite rows of one length.

    Example:
        >>> round(paired_estimate([95.4, 95.2, 95.6], [95.1, 95.0, 95.1]).p, 3)
        0.063
    """
    a, b = paired_rows(values, baseline)
    return mean_estimate(a - b, level, magnitude(a, b))


def standard_deviation(values: Floats, scale: float | None = None) -> float:
    """Sample standard deviation of ``(n,)`` values, n >= 2; exactly 0 if they vary by no more than rounding."""
    scale = magnitude(values) if scale is None else scale
    sd = float(values.std(ddof=1))
    return sd if sd > ROUNDING * scale else 0.0


def deviation_interval(sd: float, n: int, level: float = 0.95) -> Interval:
    """Interval of a standard deviation that was estimated from n >= 2 normal values.

    Example:
        >>> low, high = deviation_interval(0.1, n=5)
        >>> round(low, 3), round(high, 3)
        (0.06, 0.287)
    """
    tail = (1 - level) / 2
    low, high = (sd * math.sqrt((n - 1) / float(chdtri(n - 1, q))) for q in (tail, 1 - tail))
    return Interval(low, high)


def deviation_median(sd: float, n: int) -> float:
    r"""Median-unbiased estimate of a standard deviation, :math:`s \sqrt{(n - 1) / \chi^2_{n - 1, 1/2}}`.

    The observed one is below the true one in 68 of 100 samples of two values, and in 63 of three; this one is as often
    below as above.

    Args:
        sd: observed.
        n: number of normal values that it was estimated from, at least 2.

    Example:
        >>> [round(deviation_median(1.0, n), 2) for n in (2, 3, 10)]
        [1.48, 1.2, 1.04]
    """
    return sd * math.sqrt((n - 1) / float(chdtri(n - 1, 0.5)))


def magnitude(*rows: Floats) -> float:
    """Largest absolute value in the rows, 0 if they are empty."""
    return max(float(np.abs(row).max(initial=0)) for row in rows)


def paired_rows(values: ArrayLike, baseline: ArrayLike) -> tuple[Floats, Floats]:
    """Return both as rows of float64.

    Raises:
        ValueError: if they are not finite rows of one length.
    """
    a, b = finite_row(values), finite_row(baseline)
    if len(a) != len(b):
        raise ValueError(f"{len(a)} values and {len(b)} of the baseline: expected one of each seed, pass common seeds")
    return a, b


def finite_row(values: ArrayLike) -> Floats:
    """Return ``values`` as a row of float64.

    Raises:
        ValueError: if they have another shape, or one is not finite.
    """
    row = np.asarray(values, dtype=np.float64)
    if row.ndim != 1:
        raise ValueError(f"values of shape {row.shape}: expected (n,), one of each seed")
    if not np.isfinite(row).all():
        raise ValueError(f"{row[~np.isfinite(row)][0]} among the values: expected finite numbers, leave that run out")
    return row
