"""Arms over several data sets: mean rank, interquartile mean, probability of improvement, performance profile.

As Agarwal et al. (2021, arXiv 2108.13264) define them for runs (here seeds) of tasks (here data sets), with their
stratified bootstrap: the seeds of each arm are drawn anew within each data set. It says what other seeds would give on
these data sets and nothing of other data sets.

Percentile bootstraps are too narrow with few seeds: they know (n - 1) / n of the variance and no t quantile. In so many
of 1,000 simulated studies do nominal 95 % intervals hold the truth, with two arms half a standard deviation apart, and
three data sets likewise (``python -m tests.benchmarks.aggregates``):

===========================  =======  =======  =======  =======
seeds                              2        3        5       10
===========================  =======  =======  =======  =======
interquartile mean            74.3 %   83.9 %   91.5 %   93.7 %
probability of improvement    73.8 %   88.9 %   91.9 %   95.4 %
===========================  =======  =======  =======  =======
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from entreg.compare.stats.intervals import Floats, Interval, finite_row

RESAMPLES = 2000

_Columns = Sequence[Floats]  # scores of the seeds, (..., n), for each data set


@dataclass(frozen=True)
class Over:
    """A number over all data sets.

    Attributes:
        value: estimate.
        interval: from the stratified bootstrap; ``None`` where some arm has a single seed on a data set.
    """

    value: float
    interval: Interval | None = None


@dataclass(frozen=True)
class Aggregate:
    """One arm over all data sets.

    Attributes:
        rank: mean over data sets of its rank among the arms by the mean over seeds; 1 is the best, ties share.
        iqm: interquartile mean of the runs of all data sets together: the mean of their middle half.
        improvement: probability that a run of the arm is better than one of the baseline on the same data set, mean
            over data sets, a tie counting half; ``None`` for the baseline.
    """

    rank: Over
    iqm: Over
    improvement: Over | None


@dataclass(frozen=True)
class Profile:
    """Share of an arm's runs that are better than each threshold: a curve that lies above another is the better arm.

    Attributes:
        thresholds: ``(T,)``, ascending.
        shares: ``(T,)`` in [0, 1].
        low, high: ends of the pointwise intervals, ``(T,)``; ``None`` where a data set has a single seed.
    """

    thresholds: Floats
    shares: Floats
    low: Floats | None
    high: Floats | None


def aggregate(
    scores: Mapping[str, Sequence[ArrayLike]],
    baseline: str,
    *,
    higher_is_better: bool = True,
    level: float = 0.95,
    resamples: int = RESAMPLES,
) -> dict[str, Aggregate]:
    """Put the data sets of each arm together.

    Ranks and the probability of improvement compare within a data set, so scores may be on any scale there. The
    interquartile mean pools them: they have to be comparable between data sets, and one with more seeds weighs more.

    Args:
        scores: by arm, for each data set (the same for all arms, in one order) the scores of its seeds; their number
            may differ.
        baseline: arm that the others are compared with.
        higher_is_better: direction.
        level: of the intervals.
        resamples: of the bootstrap, which draws the same every time.

    Raises:
        KeyError: if the baseline is no arm.
        ValueError: if there is no data set, arms have other numbers of data sets, or a score is not finite.

    Example:
        >>> found = aggregate({"a": [[90, 92], [70, 74]], "b": [[91, 95], [74, 75]]}, "a")
        >>> found["b"].rank.value, found["b"].iqm.value, found["b"].improvement.value
        (1.0, 83.0, 0.8125)
    """
    rows = {arm: [finite_row(column) for column in columns] for arm, columns in scores.items()}
    if len(sizes := {len(columns) for columns in rows.values()}) != 1 or 0 in sizes:
        raise ValueError(f"expected scores on the same data sets for all arms, got {sorted(sizes)} data sets")
    if any(column.size == 0 for columns in rows.values() for column in columns):
        raise ValueError("expected at least one score an arm on each data set")
    drawn = _resampled(rows, resamples)
    points, spread = (_all(of, baseline, higher_is_better) for of in (rows, drawn))
    has_intervals = all(len(column) > 1 for columns in rows.values() for column in columns)

    def over(arm: str, name: str) -> Over:
        ends = np.quantile(spread[arm][name], [(1 - level) / 2, (1 + level) / 2]) if has_intervals else None
        return Over(float(points[arm][name]), None if ends is None else Interval(float(ends[0]), float(ends[1])))

    return {
        arm: Aggregate(over(arm, "rank"), over(arm, "iqm"), None if arm == baseline else over(arm, "improvement"))
        for arm in rows
    }


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
    drawn = _resampled({"": rows}, resamples)[""]
    low, high = np.quantile(_shares(drawn, at, sign), [(1 - level) / 2, (1 + level) / 2], axis=1)
    return Profile(at, shares, low, high)


def _resampled(rows: Mapping[str, _Columns], resamples: int) -> dict[str, list[Floats]]:
    """Draw the seeds of each arm within each data set anew, ``(resamples, n)`` for each."""
    rng = np.random.default_rng(0)
    return {
        arm: [column[rng.integers(len(column), size=(resamples, len(column)))] for column in columns]
        for arm, columns in rows.items()
    }


def _all(rows: Mapping[str, _Columns], baseline: str, higher_is_better: bool) -> dict[str, dict[str, Floats]]:
    """Every number of every arm, ``(...)`` for scores ``(..., n)``."""
    sign = 1 if higher_is_better else -1
    means = np.array([[column.mean(-1) for column in columns] for columns in rows.values()])  # (arms, data sets, ...)
    ranks = stats.rankdata(-sign * means, axis=0).mean(1)
    return {
        arm: {
            "rank": ranks[i],
            "iqm": stats.trim_mean(np.concatenate(columns, -1), 0.25, axis=-1),
            "improvement": _improvement(columns, rows[baseline], sign),
        }
        for i, (arm, columns) in enumerate(rows.items())
    }


def _improvement(ours: _Columns, theirs: _Columns, sign: int) -> Floats:
    """Mean over data sets of P(ours is better) + P(they are equal) / 2: Mann and Whitney's statistic."""
    signs = [np.sign(sign * (a[..., :, None] - b[..., None, :])) for a, b in zip(ours, theirs, strict=True)]
    return np.mean([(1 + found.mean((-2, -1))) / 2 for found in signs], axis=0)


def _shares(rows: _Columns, thresholds: Floats, sign: int) -> Floats:
    """Share of runs that are better than each threshold, ``(T, ...)``."""
    pooled = sign * np.concatenate(rows, -1)
    return np.array([(pooled > sign * threshold).mean(-1) for threshold in thresholds])
