"""Arms over several data sets: mean rank, interquartile mean, probability of improvement.

As Agarwal et al. (2021, arXiv 2108.13264) define them for runs (here seeds) of tasks (here data sets). Intervals say
what other seeds would give on these data sets, and nothing of other data sets
(:mod:`entreg.compare.stats.resampling`).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from entreg.compare.stats.intervals import Floats, Interval, finite_row
from entreg.compare.stats.quantiles import critical_value
from entreg.compare.stats.resampling import RESAMPLES, Columns, degrees_of_freedom, drawn_anew, share_interval


@dataclass(frozen=True)
class Over:
    """A number over all data sets.

    Attributes:
        value: estimate.
        interval: about other seeds; ``None`` where some arm has a single seed on a data set.
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
    points = _all(rows, baseline, higher_is_better)
    sets = range(sizes.pop())
    drawn = []
    if all(len(column) > 1 for columns in rows.values() for column in columns):
        drawn = [_all(of, baseline, higher_is_better) for of in drawn_anew(rows, resamples)]

    def over(arm: str, name: str, *arms: str) -> Over:
        value = float(points[arm][name])
        if not drawn:
            return Over(value)
        freedom = [sum(len(rows[one][number]) - 1 for one in arms) for number in sets]
        variance, *parts = (float(found[arm][name].var()) for found in drawn)
        critical = critical_value(1 - level, degrees_of_freedom(parts, freedom))
        if name == "improvement":
            fewest = sum(min(len(rows[one][number]) for one in arms) for number in sets)
            return Over(value, share_interval(value, variance, fewest, critical))
        half = critical * math.sqrt(variance)
        low, high = (1, len(rows)) if name == "rank" else (-math.inf, math.inf)
        return Over(value, Interval(max(value - half, low), min(value + half, high)))

    return {
        arm: Aggregate(
            over(arm, "rank", *rows),
            over(arm, "iqm", arm),
            None if arm == baseline else over(arm, "improvement", arm, baseline),
        )
        for arm in rows
    }


def _all(rows: Mapping[str, Columns], baseline: str, higher_is_better: bool) -> dict[str, dict[str, Floats]]:
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


def _improvement(ours: Columns, theirs: Columns, sign: int) -> Floats:
    """Mean over data sets of P(ours is better) + P(they are equal) / 2: Mann and Whitney's statistic."""
    signs = [np.sign(sign * (a[..., :, None] - b[..., None, :])) for a, b in zip(ours, theirs, strict=True)]
    return np.mean([(1 + found.mean((-2, -1))) / 2 for found in signs], axis=0)
