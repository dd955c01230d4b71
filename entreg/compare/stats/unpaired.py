r"""Difference of two arms whose seeds are not the same ones.

With :math:`s_a^2, s_b^2` the variances of the two arms' values over their :math:`n_a, n_b` seeds, and :math:`c_{ab}`
the covariance over images of a seed of one arm and a seed of the other (:mod:`entreg.compare.stats.hierarchical`),

.. math:: se^2 = \frac{s_a^2}{n_a} + \frac{s_b^2}{n_b} + \max(0,\; c_{aa} + c_{bb} - 2 c_{ab}),

of which the part from the seeds has Satterthwaite's degrees of freedom. Without the images it is Welch's test.

Source: Welch 1947, *The generalization of "Student's" problem*; of the images as in the module on pairs.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from entreg.compare.stats.hierarchical import Hierarchical, covariance
from entreg.compare.stats.intervals import (
    Floats,
    finite_row,
    interval,
    magnitude,
    standard_deviation,
    two_sided_p,
)


def unpaired_estimate(
    values: ArrayLike,
    baseline: ArrayLike,
    contributions: ArrayLike | None = None,
    baseline_contributions: ArrayLike | None = None,
    level: float = 0.95,
) -> Hierarchical:
    """Mean of ``values`` minus mean of ``baseline``, over seeds, or over seeds and images where these are given.

    Args:
        values: ``(a,)``, the arm's metric for each of its seeds.
        baseline: ``(b,)``, the baseline's for its own.
        contributions: ``(a, K)``, of the images to the arm's values; images in one order everywhere.
        baseline_contributions: ``(b, K)``, to the baseline's.
        level: confidence level of the interval.

    Returns:
        the estimate: ``n`` is the smaller number of seeds, ``sd`` that of the difference of a seed of either; without
        standard error if an arm has less than two seeds, or neither varies.

    Raises:
        ValueError: if a number is not finite.

    Example:
        >>> found = unpaired_estimate([95.4, 95.2, 95.6], [95.1, 95.0])
        >>> round(found.mean, 2), round(found.p, 3)
        (0.35, 0.08)
    """
    a, b = finite_row(values), finite_row(baseline)
    n = min(len(a), len(b))
    if n == 0:
        return Hierarchical(n)
    mean = float(a.mean() - b.mean())
    if n == 1:
        return Hierarchical(n, mean)
    scale = magnitude(a, b)
    parts = [standard_deviation(row, scale) ** 2 / len(row) for row in (a, b)]
    seeds = sum(parts)
    sd = math.sqrt(sum(part * len(row) for part, row in zip(parts, (a, b), strict=True)))
    if not seeds:
        return Hierarchical(n, mean, sd)
    df = seeds**2 / sum(part**2 / (len(row) - 1) for part, row in zip(parts, (a, b), strict=True))
    images = (
        _image_variance(np.asarray(contributions), np.asarray(baseline_contributions))
        if contributions is not None
        else 0.0
    )
    error, share = math.sqrt(seeds + images), seeds / (seeds + images)
    ends, p = interval(mean, error, df, share, level), two_sided_p(mean, error, df, share)
    return Hierarchical(n, mean, sd, error, share, ends, p, images)


def _image_variance(ours: Floats, theirs: Floats) -> float:
    """Variance over images of the difference of the two arms' expected values, at least 0."""
    across = float(ours.mean(0, dtype=np.float64) @ theirs.mean(0, dtype=np.float64))
    return max(0.0, covariance(ours) + covariance(theirs) - 2 * across)
