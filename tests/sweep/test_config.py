from __future__ import annotations

import re
from typing import Any

import pytest

from entreg.errors import ConfigError
from entreg.sweep import Range, Sweep

GRID: dict[str, Any] = {"name": "a", "parameters": {"x": [1, 2]}}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"parameters": {}}, "varies at least one option"),
        ({"parameters": {"x": []}}, "parameters.x: expected a list of different values"),
        ({"parameters": {"x": [1, 1]}}, "parameters.x: expected a list of different values, got [1, 1]"),
        ({"parameters": {"x": Range(0, 1)}}, "parameters.x: a grid needs a list of values"),
        ({"trials": 3}, "trials 3: a grid has as many trials as combinations"),
        ({"sampler": "tpe"}, "trials None: say how many trials"),
        ({"sampler": "random", "trials": 0}, "trials 0: say how many trials"),
        ({"metric": "test/acc"}, "metric test/acc: expected a metric of validation"),
    ],
)
def test_what_makes_no_sweep_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        Sweep(**{**GRID, **changes})


@pytest.mark.parametrize("wrong", [{"low": 1, "high": 1}, {"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}])
def test_a_range_goes_up(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a range goes from low to a larger high"):
        Range(**wrong)


def test_the_number_of_trials_may_grow_and_nothing_else() -> None:
    draws = {**GRID, "sampler": "random"}
    assert Sweep(**draws, trials=3).definition() == Sweep(**draws, trials=4).definition()
    assert Sweep(**draws, trials=3).definition() != Sweep(**draws, trials=3, seed=1).definition()
