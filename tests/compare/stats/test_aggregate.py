"""Numbers over all data sets, against rliable, and the errors against all resamples that there are."""

from __future__ import annotations

import math
from itertools import product

import numpy as np
import pytest
from rliable import metrics
from scipy import stats

from entreg.compare.stats.aggregate import aggregate


def scores(seeds: int, sets: int = 4) -> dict[str, list[np.ndarray]]:
    rng = np.random.default_rng(seeds)
    return {arm: list(rng.integers(0, 12, (sets, seeds)).astype(float)) for arm in "abc"}  # with ties


@pytest.mark.parametrize("seeds", [1, 3, 8])
def test_estimates_are_those_of_rliable(seeds: int) -> None:
    drawn = scores(seeds)
    of_runs = {arm: np.transpose(columns) for arm, columns in drawn.items()}  # (runs, tasks) there
    found = aggregate(drawn, "a", resamples=10)
    for arm in "abc":
        assert found[arm].iqm.value == pytest.approx(metrics.aggregate_iqm(of_runs[arm]), abs=1e-12)
    expected = metrics.probability_of_improvement(of_runs["b"], of_runs["a"])
    assert found["b"].improvement is not None
    assert found["b"].improvement.value == pytest.approx(expected, abs=1e-12)
    assert found["a"].improvement is None
    assert (found["b"].iqm.interval is None) == (seeds == 1)


def test_ranks_are_within_data_sets_and_shared_by_ties() -> None:
    found = aggregate({"a": [[3, 5], [1, 1], [7]], "b": [[4, 4], [2, 2], [8]], "c": [[0, 0], [3, 3], [9]]}, "a")
    assert [found[arm].rank.value for arm in "abc"] == pytest.approx([(1.5 + 3 + 3) / 3, (1.5 + 2 + 2) / 3, 5 / 3])


def test_intervals_are_those_of_all_resamples_of_seeds_within_data_sets() -> None:
    ours, theirs = [[1.0, 4.0, 6.0], [10.0, 13.0, 30.0]], [[2.0, 3.0, 5.0], [5.0, 25.0, 26.0]]
    found = aggregate({"b": ours, "a": theirs}, "a", resamples=20_000)["b"]
    variance, *alone = (
        np.var([stats.trim_mean(sum(drawn, ()), 0.25) for drawn in product(*of)]) for of in _drawn(ours)
    )
    half = stats.t.ppf(0.975, 2 * sum(alone) ** 2 / sum(part**2 for part in alone)) * math.sqrt(variance)
    assert found.iqm.interval == pytest.approx((found.iqm.value - half, found.iqm.value + half), rel=0.02)

    variance, *alone = (
        np.var(
            [
                np.mean([np.greater.outer(x, y).mean() for x, y in zip(a, b, strict=True)])
                for a, b in product(product(*b), product(*a))
            ]
        )
        for b, a in zip(_drawn(ours), _drawn(theirs), strict=True)
    )
    critical = stats.t.ppf(0.975, 4 * sum(alone) ** 2 / sum(part**2 for part in alone))
    assert found.improvement is not None
    share = found.improvement.value
    for end in found.improvement.interval:  # where the truth is as many of its own standard errors away
        own = math.sqrt(variance * end * (1 - end) / (share * (1 - share)))
        assert abs(end - share) / own == pytest.approx(critical, rel=0.02)


def test_where_nothing_varies_a_share_is_worth_its_runs_and_a_rank_is_certain() -> None:
    found = aggregate({"b": [[8, 9], [7, 9]], "a": [[1, 2], [2, 3]]}, "a")["b"]
    assert found.rank.interval == (1, 1)
    assert found.improvement is not None
    low, high = found.improvement.interval
    critical = stats.t.ppf(0.975, 4)
    assert (low, high) == pytest.approx((1 / (1 + critical**2 / 4), 1))


def test_smaller_may_be_better() -> None:
    drawn = scores(5)
    turned = {arm: [-column for column in columns] for arm, columns in drawn.items()}
    up, down = aggregate(drawn, "a"), aggregate(turned, "a", higher_is_better=False)
    for arm in "abc":
        assert (up[arm].rank, up[arm].improvement) == (down[arm].rank, down[arm].improvement)
        assert up[arm].iqm.value == -down[arm].iqm.value


@pytest.mark.parametrize("wrong", [{"a": [], "b": []}, {"a": [[1]], "b": [[1], [2]]}, {"a": [[1]], "b": [[]]}])
def test_arms_have_scores_on_the_same_data_sets(wrong: dict[str, list[list[float]]]) -> None:
    with pytest.raises(ValueError, match="expected"):
        aggregate(wrong, "a")


def _drawn(columns: list[list[float]]) -> list[list[list[tuple[float, ...]]]]:
    """All draws of two of three seeds within each data set; then within one data set alone."""
    two, all_ = [list(product(column, repeat=2)) for column in columns], [[tuple(column)] for column in columns]
    return [two, [two[0], all_[1]], [all_[0], two[1]]]
