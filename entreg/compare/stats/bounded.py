r"""Interval of a mean that lies between bounds, such as an accuracy or an AUROC.

The symmetric interval of :mod:`entreg.compare.stats.hierarchical` leaves [0, 1] near its ends, and is a point where
every seed is right on every image. The variance of such a quantity vanishes at 0 and 1, about as
:math:`\theta (1 - \theta)`; so, with c the critical value, the interval holds those :math:`\theta` with

.. math:: |\hat\theta - \theta| \le c \sqrt{\theta (1 - \theta) / m}, \qquad
          m = \hat\theta (1 - \hat\theta) / \widehat{se}^2,

where m is as many independent samples as the study is worth. It lies within [0, 1] and holds the estimate. Where all is
right, or nothing, m cannot be estimated, and is the number of images.

Source: Wilson 1927, *Probable inference, the law of succession, and statistical inference*; with an effective number of
samples, Franco et al. 2019, *Comparative study of confidence intervals for proportions in complex sample surveys*; of
areas under the ROC curve, Kottas, Kuss and Zapf 2014, *A modified Wald interval for the area under the ROC curve*.
"""

from __future__ import annotations

import math
from dataclasses import replace

from entreg.compare.stats.intervals import Estimate, Interval
from entreg.compare.stats.quantiles import critical_value


def within_bounds(estimate: Estimate, samples: int, upper: float = 1.0, level: float = 0.95) -> Estimate:
    """Return an estimate of what lies in [0, ``upper``] with Wilson's interval in place of its own.

    Args:
        estimate: mean over seeds with its standard error.
        samples: number of images; of two sets, such as those of an AUROC, of the smaller one.
        upper: greatest value.
        level: confidence level of the interval.

    Returns:
        the estimate; without an interval where it has no standard error and is not at a bound, or is of one seed.

    Example:
        >>> from entreg.compare.stats.intervals import mean_estimate
        >>> found = within_bounds(mean_estimate([100.0, 100.0, 100.0]), samples=1000, upper=100.0)
        >>> print(f"{found.interval.low:.2f} to {found.interval.high:.2f}")
        99.62 to 100.00
    """
    if estimate.mean is None or estimate.n < 2:
        return estimate
    share = estimate.mean / upper
    if not 0 < share < 1:
        worth, critical = float(samples), critical_value(1 - level, estimate.n - 1, 0.0)
    elif estimate.standard_error is None:
        return estimate
    else:
        worth = share * (1 - share) / (estimate.standard_error / upper) ** 2
        critical = critical_value(1 - level, estimate.n - 1, estimate.share)
    low, high = wilson(share, worth, critical)
    return replace(estimate, interval=Interval(upper * low, upper * high))


def wilson(share: float, worth: float, critical: float) -> Interval:
    """Return Wilson's interval of a share in [0, 1].

    Args:
        share: estimate.
        worth: number of independent samples that it is worth.
        critical: standard errors that the truth may be away.

    Example:
        >>> print("{:.3f} to {:.3f}".format(*wilson(0.9, worth=50, critical=1.96)))
        0.786 to 0.957
    """
    z = critical**2 / worth
    middle, half = share + z / 2, math.sqrt(share * (1 - share) * z + z**2 / 4)
    low, high = (min(max(end / (1 + z), 0.0), 1.0) for end in (middle - half, middle + half))
    return Interval(low, high)
