"""How much of the level a look at a study may use up that is not complete yet."""

from __future__ import annotations

import math

from scipy.special import ndtr, ndtri


def obrien_fleming(alpha: float, fraction: float) -> float:
    r"""Level that all looks together may have used up when a ``fraction`` of the planned seeds is there.

    .. math:: \alpha^*(t) = 2 - 2\,\Phi\bigl(z_{1 - \alpha/2} / \sqrt t\bigr)

    Next to nothing at first, and all of it at the end: adding seeds until something is found finds what is not there
    with probability ``alpha`` at most, if each look is made at what has been added to :math:`\alpha^*` since the one
    before. That is a little less often than the joint distribution of the looks would allow.

    Args:
        alpha: level of the whole study, in (0, 1).
        fraction: share of the planned seeds that is there, > 0; more than planned counts as all.

    Raises:
        ValueError: if an argument is out of its range.

    Source: Lan and DeMets 1983, *Discrete sequential boundaries for clinical trials*; O'Brien and Fleming 1979.

    Example:
        >>> [round(obrien_fleming(0.05, t), 4) for t in (0.4, 0.6, 0.8, 1)]
        [0.0019, 0.0114, 0.0284, 0.05]
    """
    if not (0 < alpha < 1 and fraction > 0):
        raise ValueError(f"alpha {alpha}, fraction {fraction}: expected in (0, 1), and > 0")
    return float(2 - 2 * ndtr(-ndtri(alpha / 2) / math.sqrt(min(fraction, 1.0))))
