r"""What each test image contributes to the sampling error of a metric.

A metric :math:`\theta` of N images comes with a row of contributions :math:`\phi_i`, in its unit, such that

.. math:: \sum_i \phi_i = 0, \qquad
          \sum_i \phi_i^2 = \widehat{Var}(\theta), \qquad
          \sum_i \phi_i \phi'_i = \widehat{Cov}(\theta, \theta')

over random images, for two runs :math:`\theta, \theta'` tested on the same ones. They are jackknife deviations
:math:`\sqrt{(N-1)/N}\,(\bar\theta_{(\cdot)} - \theta_{(i)})`, where :math:`\theta_{(i)}` is the metric without image i.

Source: Tukey 1958; Efron and Stein 1981, *The jackknife estimate of variance* (it errs, if at all, upwards).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from entreg.compare.stats.intervals import Floats


class Contributions(NamedTuple):
    """A metric of one run, and the contributions of the images to its sampling error.

    Attributes:
        value: the metric.
        images: ``(K,)`` float64; ``None`` where the images are not at hand.
    """

    value: float
    images: Floats | None


def of_mean(values: ArrayLike) -> Contributions:
    r"""Mean of a per-image metric (accuracy, NLL, Brier): :math:`\phi_i = (x_i - \bar x) / \sqrt{N(N-1)}`.

    Args:
        values: ``(N,)``, N >= 2, summed in float64.

    Raises:
        ValueError: on another shape.

    Example:
        >>> accuracy = of_mean([1, 1, 1, 0])
        >>> accuracy.value, round(float(accuracy.images @ accuracy.images), 4)  # s^2 / N = 0.25 / 4
        (0.75, 0.0625)
    """
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or len(x) < 2:
        raise ValueError(f"values of shape {x.shape}: expected (N,), one of each of at least 2 images")
    mean = x.mean()
    return Contributions(float(mean), (x - mean) / np.sqrt(len(x) * (len(x) - 1)))


def of_calibration(confidence: ArrayLike, correct: ArrayLike, bins: ArrayLike) -> Contributions:
    r"""Debiased squared calibration error, the square of the L2 error without the bias of its own noise.

    .. math:: \theta = \sum_m \frac{n_m}{N} \Bigl[ (\overline{acc}_m - \overline{conf}_m)^2
                       - \frac{\overline{acc}_m (1 - \overline{acc}_m)}{n_m - 1} \Bigr]

    Negative values are the price of being unbiased; bins of one image count as 0. Every leave-one-out value is
    computed exactly, in O(N); the assignment to bins is kept fixed.

    Args:
        confidence: ``(N,)`` in [0, 1].
        correct: ``(N,)`` bool.
        bins: ``(N,)`` int >= 0, the bin of each image, by whatever rule.

    Raises:
        ValueError: on other shapes.

    Source: Kumar et al. 2019, arXiv 1909.10155, section 5.
    """
    conf, acc = np.asarray(confidence, dtype=np.float64), np.asarray(correct, dtype=np.float64)
    index = np.asarray(bins)
    if not conf.ndim == acc.ndim == index.ndim == 1 or not len(conf) == len(acc) == len(index) >= 2:
        raise ValueError(f"shapes {conf.shape}, {acc.shape}, {index.shape}: expected three (N,) of at least 2 images")
    count, gap, right = (
        np.bincount(index, weights=w).astype(np.float64) for w in (np.ones_like(conf), acc - conf, acc)
    )
    total = _weighted_squares(count, gap, right)
    without = _weighted_squares(count[index] - 1, gap[index] - (acc - conf), right[index] - acc)
    left_out = (total.sum() - total[index] + without) / (len(conf) - 1)
    return Contributions(float(total.sum() / len(conf)), _deviations(left_out))


def of_auroc(positive: ArrayLike, negative: ArrayLike) -> Contributions:
    r"""Area under the ROC curve, P(positive > negative) + P(equal) / 2, of two independent samples.

    The contributions are DeLong's placements: of each positive, the share of negatives below it, and of each negative
    the share of positives above it, centred and divided by :math:`\sqrt{M(M-1)}` of their own sample.

    Args:
        positive: ``(P,)`` scores, P >= 2.
        negative: ``(Q,)`` scores, Q >= 2.

    Returns:
        the area in [0, 1], and the contributions ``(P + Q,)``, positives first.

    Raises:
        ValueError: on other shapes.

    Source: DeLong, DeLong and Clarke-Pearson 1988, *Comparing the areas under two or more correlated ROC curves*.

    Example:
        >>> of_auroc([0.9, 0.8, 0.4], [0.5, 0.1]).value
        0.8333333333333334
    """
    pos, neg = np.asarray(positive), np.asarray(negative)
    if pos.ndim != 1 or neg.ndim != 1 or min(len(pos), len(neg)) < 2:
        raise ValueError(f"scores of shapes {pos.shape} and {neg.shape}: expected (P,) and (Q,) of at least 2 images")
    ranks = stats.rankdata(np.concatenate([pos, neg]))
    below = (ranks[: len(pos)] - stats.rankdata(pos)) / len(neg)
    above = 1 - (ranks[len(pos) :] - stats.rankdata(neg)) / len(pos)
    return Contributions(float(below.mean()), np.concatenate([of_mean(below).images, of_mean(above).images]))


def _weighted_squares(count: Floats, gap: Floats, right: Floats) -> Floats:
    n = np.maximum(count, 2)
    accuracy = right / n
    return np.where(count < 2, 0.0, n * ((gap / n) ** 2 - accuracy * (1 - accuracy) / (n - 1)))


def _deviations(left_out: Floats) -> Floats:
    n = len(left_out)
    return np.sqrt((n - 1) / n) * (left_out.mean() - left_out)
