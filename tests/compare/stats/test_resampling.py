"""What intervals over several data sets are made of: resamples, degrees of freedom, shares."""

from __future__ import annotations

import numpy as np
import pytest

from entreg.compare.stats.bounded import wilson
from entreg.compare.stats.resampling import degrees_of_freedom, drawn_anew, share_interval


def test_all_data_sets_are_drawn_anew_and_then_each_alone() -> None:
    columns = [np.array([1.0, 2.0, 3.0]), np.array([7.0, 8.0])]
    together, first, second = (drawn["arm"] for drawn in drawn_anew({"arm": columns}, 500))
    for drawn, chosen in ((together, (0, 1)), (first, (0,)), (second, (1,))):
        for number, (column, found) in enumerate(zip(columns, drawn, strict=True)):
            assert found.shape == (500, len(column) - (number in chosen))
            assert set(found.flatten()) == set(column)
            assert (np.ptp(found, axis=0) > 0).all() == (number in chosen)


def test_degrees_of_freedom_are_satterthwaites() -> None:
    assert degrees_of_freedom([2.0, 2.0], [4, 4]) == pytest.approx(8)
    assert degrees_of_freedom([2.0, 0.0], [4, 9]) == pytest.approx(4)
    assert degrees_of_freedom([0.0, 0.0], [4, 9]) == 13


def test_a_share_is_worth_as_many_runs_as_its_variance_says() -> None:
    assert share_interval(0.5, 0.01, 100, 2.0) == wilson(0.5, 25, 2.0)
    assert share_interval(1.0, 0.0, 8, 2.0) == wilson(1.0, 8, 2.0)
