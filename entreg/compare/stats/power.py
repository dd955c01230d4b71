"""How many seeds a study needs, and what a study of so many seeds can see."""

from __future__ import annotations

import math
from bisect import bisect_left

import numpy as np
from scipy.optimize import brentq
from scipy.special import chdtri, ndtr, ndtri, stdtrit

_QUANTILES = (np.arange(500) + 0.5) / 500


def power(n: float, difference: float, sd: float, image_variance: float = 0.0, alpha: float = 0.05) -> float:
    r"""Probability that n paired seeds show a true ``difference`` at level ``alpha``, two-sided.

    The paired t-test over seeds and the test over seeds and images both have to reject, as for a claim of
    :func:`~entreg.compare.stats.compare_values`. Given the variance :math:`s^2` that the study will see, both ask
    :math:`|\bar d|` to exceed a known bound, while :math:`\bar d` is normal around the difference with variance
    :math:`\sigma^2 / n + c`; the mean over the chi-squared distribution of :math:`s^2` is taken numerically, to 2e-4.
    Without image variance this is the power of the t-test by the noncentral t distribution.

    Args:
        n: seeds an arm, each shared by arm and baseline.
        difference: true mean difference, in the unit of the metric.
        sd: standard deviation of the paired differences, > 0.
        image_variance: :attr:`~entreg.compare.stats.hierarchical.Hierarchical.image_variance`, in the squared unit.
        alpha: level; divide it by the number of comparisons that are corrected together.

    Returns:
        power in [0, 1], 0 for n < 2.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> round(power(n=10, difference=1.0, sd=1.0), 3)
        0.803
    """
    _check(sd, image_variance, alpha)
    if n < 1.99:  # a number of pairs that is computed may be rounded
        return 0.0
    seeds = sd**2 / n * chdtri(n - 1, _QUANTILES) / (n - 1)
    t, z = -stdtrit(n - 1, alpha / 2), -ndtri(alpha / 2)
    bound = np.maximum(t * np.sqrt(seeds), (t * seeds + z * image_variance) / np.sqrt(seeds + image_variance))
    error = math.sqrt(sd**2 / n + image_variance)
    return float((ndtr((difference - bound) / error) + ndtr((-difference - bound) / error)).mean())


def seeds_needed(
    difference: float, sd: float, image_variance: float = 0.0, alpha: float = 0.05, target: float = 0.8
) -> int | None:
    """Smallest number of paired seeds an arm whose :func:`power` reaches ``target``.

    It is as good as ``sd``: the 95 % interval of a standard deviation from 3 seeds goes from half to six times its
    value, from 10 seeds from 0.7 to 1.8 times, and the number of seeds goes with its square.

    Args:
        difference: difference to detect, not 0. Best the smallest one that matters: what an observed difference would
            need only restates its p-value (Hoenig and Heisey 2001, *The abuse of power*).
        sd: standard deviation of the paired differences, > 0.
        image_variance: see :func:`power`.
        alpha: level.
        target: power wanted.

    Returns:
        the number, at least 2; ``None`` if no number is enough because the test images are too few.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> seeds_needed(difference=0.1, sd=0.1)
        10
        >>> seeds_needed(difference=0.1, sd=0.1, image_variance=0.05**2) is None
        True
    """
    _check(sd, image_variance, alpha)
    if difference == 0 or not 0 < target < 1:
        raise ValueError(f"difference {difference}, power {target}: expected not 0, and in (0, 1)")
    quantiles = float(ndtri(target) - ndtri(alpha / 2))
    spare = (difference / quantiles) ** 2 - image_variance
    if spare <= 0:
        return None
    low, step = max(1, math.ceil(0.99 * sd**2 / spare) - 2), 1  # with a known variance about that many would do
    while power(low + step, difference, sd, image_variance, alpha) < target:
        low, step = low + step, 2 * step
    candidates = range(low + 1, low + step + 1)
    return candidates[bisect_left(candidates, target, key=lambda n: power(n, difference, sd, image_variance, alpha))]


def detectable(n: float, sd: float, image_variance: float = 0.0, alpha: float = 0.05, target: float = 0.8) -> float:
    """Smallest true difference whose :func:`power` with n paired seeds is ``target``.

    Args:
        n: seeds an arm, at least 2.
        sd: standard deviation of the paired differences, > 0.
        image_variance: see :func:`power`.
        alpha: level.
        target: power wanted.

    Raises:
        ValueError: if an argument is out of its range.

    Example:
        >>> round(detectable(n=10, sd=1.0), 2)
        1.0
    """
    _check(sd, image_variance, alpha)
    if n < 1.99 or not 0 < target < 1:
        raise ValueError(f"{n:g} seeds, power {target}: expected at least 2, and in (0, 1)")
    high = sd + math.sqrt(image_variance)
    while power(n, high, sd, image_variance, alpha) < target:
        high *= 2
    return float(brentq(lambda size: power(n, size, sd, image_variance, alpha) - target, 0, high, rtol=1e-6))


def _check(sd: float, image_variance: float, alpha: float) -> None:
    if not (sd > 0 and image_variance >= 0 and 0 < alpha < 1):
        raise ValueError(f"sd {sd}, image variance {image_variance}, alpha {alpha}: expected > 0, >= 0 and in (0, 1)")
