"""Performance profiles: counted by hand, and their intervals within their bounds."""

from __future__ import annotations

import numpy as np
import pytest

from entreg.compare.stats.profile import performance_profile


def test_a_profile_is_the_share_of_runs_above_each_threshold() -> None:
    found = performance_profile([[1, 2, 3], [2, 4, 4]], [0, 2, 3.5, 4])
    assert found.shares.tolist() == [1, 3 / 6, 2 / 6, 0]
    assert found.low is not None
    assert found.high is not None
    assert (found.high[0], found.low[3]) == (1, 0)
    assert np.all((found.low >= 0) & (found.low <= found.shares) & (found.shares <= found.high) & (found.high <= 1))
    assert np.all(found.high - found.low > 0.3)  # of six runs
    assert performance_profile([[1, 2], [3]], [0]).low is None


def test_smaller_may_be_better() -> None:
    columns = list(np.random.default_rng(5).integers(0, 12, (4, 5)).astype(float))  # with ties
    up = performance_profile(columns, [2.0, 6.0])
    down = performance_profile([-column for column in columns], [-2.0, -6.0], higher_is_better=False)
    assert np.array_equal(up.shares, down.shares)
    assert np.array_equal(up.low, down.low)


def test_other_arguments_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one data set"):
        performance_profile([], [0.0])
