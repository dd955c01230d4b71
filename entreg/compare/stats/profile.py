"""Performance profile of an arm over several data sets (Agarwal et al. 2021, arXiv 2108.13264)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from entreg.compare.stats.intervals import Floats, finite_row
from entreg.compare.stats.quantiles import critical_value
from entreg.compare.stats.resampling import RESAMPLES, Columns, degrees_of_freedom, drawn_anew, share_interval


@dataclass(frozen=True)
class Profile:
    """Share of an arm's runs that are better than each threshold: a curve that lies above another is the better arm.

    Attributes:
        thresholds: ``(T,)``, ascending.
        shares: ``(T,)`` in [0, 1].
        low, high: ends of the intervals at each threshold, ``(T,)``; ``None`` where a data set has a single seed.
    """

    thresholds: Floats
    shares: Floats
    low: Floats | None
    high: Floats | None


def performance_profile(
    columns: Sequence[ArrayLike],
    thresholds: ArrayLike,
    *,
    higher_is_better: bool = True,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> Profile:
    """Return which share of an arm's runs is better than each threshold, over all data sets.

    Args:
        columns: for each data set the scores of the arm's seeds.
        thresholds: ``(T,)``, in the scores' unit.
        higher_is_better: whether better is above a threshold, else it is below.
        level: of the intervals at each threshold.
        resamples: of the bootstrap.

    Raises:
        ValueError: if there is no data set, or a score is not finite.

    Example:
        >>> performance_profile([[90, 92], [70, 74]], [60, 72, 91, 95]).shares.tolist()
        [1.0, 0.75, 0.25, 0.0]
    """
    rows = [finite_row(column) for column in columns]
    if not rows:
        raise ValueError("expected scores on at least one data set")
    at, sign = np.asarray(thresholds, np.float64), 1 if higher_is_better else -1
    shares = _shares(rows, at, sign)
    if any(len(row) < 2 for row in rows):
        return Profile(at, shares, None, None)
    freedom = [len(row) - 1 for row in rows]
    variances = [_shares(drawn["one"], at, sign).var(-1) for drawn in drawn_anew({"one": rows}, resamples)]
    runs = sum(map(len, rows))
    ends = []
    for share, variance, *parts in zip(shares.tolist(), *(v.tolist() for v in variances), strict=True):
        critical = critical_value(1 - level, degrees_of_freedom(parts, freedom))
        ends.append(share_interval(share, variance, runs, critical))
    return Profile(at, shares, np.array([end.low for end in ends]), np.array([end.high for end in ends]))


def _shares(rows: Columns, thresholds: Floats, sign: int) -> Floats:
    """Share of runs that are better than each threshold, ``(T, ...)``."""
    pooled = sign * np.concatenate(rows, -1)
    return np.array([(pooled > sign * threshold).mean(-1) for threshold in thresholds])
