r"""Interval of the difference of two arms when both the training seeds and the test images are a sample.

The runs of n seeds are tested on the same N images. Let :math:`d_s` be the difference for seed s,
:math:`s^2` the variance of the :math:`d_s`, and :math:`\phi_{si}` what image i contributes to the sampling error of
:math:`d_s` (:mod:`entreg.compare.stats.jackknife`). The covariance over images of two different seeds,

.. math:: \hat c = \max\Bigl(0, \frac{1}{n(n-1)} \sum_{s \ne s'} \sum_i \phi_{si} \phi_{s'i}\Bigr),

is what the seeds have in common and :math:`s^2` therefore cannot see: :math:`E[s^2] = \sigma^2_{seed} + v - c` with
:math:`v` the image variance of a single :math:`d_s`, while the variance of the mean is
:math:`(\sigma^2_{seed} + v)/n + c\,(n-1)/n`. Hence, nothing counted twice,

.. math:: se^2 = s^2 / n + \hat c.

This is the standard error of multi-reader multi-case studies, with seeds for readers, images for cases and arms for
modalities.

It assumes independent seeds, about normal :math:`d_s`, independent images, enough of them for :math:`\hat c` to be
known well besides :math:`s^2`, and a metric smooth in the images. Training and validation sets are as they are: the
interval is about this training set. A percentile bootstrap over few seeds covers 75 % at n = 3, not 95 %, because
it takes the spread of three values for the spread of all.

Source: Obuchowski and Rockette 1995, *Hypothesis testing of diagnostic accuracy for multiple readers and multiple
tests*; Cochran and Cox 1950 for the quantile; on seeds and test sets as sources of variance, Bouthillier et al.
2021, arXiv 2103.03098.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from entreg.compare.stats.intervals import Estimate, interval, magnitude, paired_rows, standard_deviation, two_sided_p


@dataclass(frozen=True)
class Hierarchical(Estimate):
    """An :class:`~entreg.compare.stats.intervals.Estimate` of the expected difference over seeds *and* images.

    Attributes:
        image_variance: part of the squared standard error that more test images make smaller, and more seeds do not.
    """

    image_variance: float | None = None


def hierarchical_estimate(
    values: ArrayLike, baseline: ArrayLike, contributions: ArrayLike, level: float = 0.95
) -> Hierarchical:
    r"""Mean of ``values - baseline`` with an interval over seeds and images.

    The standard error is that of the module's text, and the interval

    .. math:: \bar d \pm \bigl(w \, t_{n-1} + (1 - w) \, z\bigr) \, se, \qquad
              w = \frac{s^2 / n}{s^2 / n + \hat c},

    has the weighted quantile of :mod:`entreg.compare.stats.quantiles`.

    Args:
        values: ``(n,)``, the arm's metric for each seed.
        baseline: ``(n,)``, the baseline's for the same seeds in the same order.
        contributions: ``(n, K)``, those of the arm minus those of the baseline, float32 or float64; images in the same
            order in every row.
        level: confidence level of the interval.

    Returns:
        the estimate, without standard error for less than two seeds or differences that do not vary.

    Raises:
        ValueError: if shapes differ or a number is not finite.

    Example:
        >>> from entreg.compare.stats.jackknife import of_mean
        >>> arm, baseline = np.array([[1, 1, 1, 0], [1, 1, 1, 1]]), np.array([[1, 0, 1, 0], [1, 1, 1, 1]])
        >>> phi = [of_mean(a - b).images for a, b in zip(arm, baseline)]
        >>> hierarchical_estimate(arm.mean(1), baseline.mean(1), phi).mean
        0.125
    """
    (a, b), phi = paired_rows(values, baseline), np.asarray(contributions)
    if phi.ndim != 2 or len(phi) != len(a):
        raise ValueError(
            f"contributions of shape {phi.shape} for {len(a)} seeds: expected (n, K), one row of each seed"
        )
    n = len(a)
    if n == 0:
        return Hierarchical(n)
    mean = float((a - b).mean())
    sd = standard_deviation(a - b, magnitude(a, b)) if n > 1 else None
    if not sd:
        return Hierarchical(n, mean, sd)
    seeds, images = sd**2 / n, image_covariance(phi)
    error, share = math.sqrt(seeds + images), seeds / (seeds + images)
    ends, p = interval(mean, error, n - 1, share, level), two_sided_p(mean, error, n - 1, share)
    return Hierarchical(n, mean, sd, error, share, ends, p, images)


def image_covariance(contributions: ArrayLike) -> float:
    """Mean covariance over images of two different seeds, at least 0, from contributions ``(n, K)`` with n >= 2."""
    return max(covariance(contributions), 0.0)


def covariance(contributions: ArrayLike) -> float:
    """The same as it is estimated, which may be below 0."""
    phi = np.asarray(contributions)
    n = len(phi)
    together = phi.sum(axis=0, dtype=np.float64)
    alone = np.einsum("si,si->", phi, phi, dtype=np.float64)
    found = float(together @ together - alone) / (n * (n - 1))
    if not np.isfinite(found):
        raise ValueError("contributions of images are not finite: expected numbers, leave that run out")
    return found
