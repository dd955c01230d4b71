from __future__ import annotations

import re
from contextlib import nullcontext
from typing import Any

import pytest

from entreg.compare.plan import Plan
from entreg.errors import ConfigError
from entreg.runs import Run
from entreg.runs.scoring import evaluate_predictions
from entreg.sweep import Range, Sweep
from entreg.sweep.config import METRICS

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
        ({"metric": "test/acc"}, "metric test/acc: test chooses nothing; expected a score on validation, val/acc"),
        ({"metric": "val/f1"}, "metric val/f1: expected a score on validation, one of val/acc, val/errors"),
        ({"metric": "val/entropy"}, "metric val/entropy: say which is the best, direction: maximize or minimize"),
        (
            {"metric": "val/aurc", "prune": "median"},
            "prune median: val/aurc is known at the end; expected val/acc, val/",
        ),
        ({"parameters": {"x": [1], "seed_everything": [0, 1]}, "prune": "median"}, "prune median: an arm would be"),
        ({"plan": Plan(), "baseline": "mae"}, "baseline mae: the plan says with what is compared"),
    ],
)
def test_what_makes_no_sweep_is_said(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(said)):
        Sweep(**{**GRID, **changes})


def test_every_score_on_validation_can_be_made_best(finished: Run) -> None:
    scores = evaluate_predictions(finished)["val"].keys() - {"n", "scaled"}
    assert {f"val/{name}" for name in scores} == set(METRICS)


def test_trials_are_pruned_by_what_each_validation_logs(finished: Run) -> None:
    logged = {line.split(",")[1] for line in finished.metrics.read_text().splitlines()} & set(METRICS)
    for metric in METRICS:
        with nullcontext() if metric in logged else pytest.raises(ConfigError, match="is known at the end"):
            Sweep(**GRID, metric=metric, direction="minimize", prune="median")


def test_a_metric_knows_what_is_best() -> None:
    better = {"val/acc": "maximize", "val/coverage_at_1": "maximize", "val/ece": "minimize", "val/errors": "minimize"}
    assert {metric: Sweep(**GRID, metric=metric).goal for metric in better} == better
    assert Sweep(**GRID, metric="val/entropy", direction="minimize").goal == "minimize"
    assert Sweep(**GRID).definition()["direction"] == "maximize"  # as it stands in the folders of older sweeps


@pytest.mark.parametrize("wrong", [{"low": 1, "high": 1}, {"low": 2, "high": 1}, {"low": 0, "high": 1, "log": True}])
def test_a_range_goes_up(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="a range goes from low to a larger high"):
        Range(**wrong)


def test_the_number_of_trials_may_grow_and_nothing_else() -> None:
    draws = {**GRID, "sampler": "random"}
    assert Sweep(**draws, trials=3).definition() == Sweep(**draws, trials=4).definition()
    assert Sweep(**draws, trials=3).definition() != Sweep(**draws, trials=3, seed=1).definition()


@pytest.mark.parametrize(
    ("parameters", "arms"),
    [
        ({"model.loss": ["mae", "focal"], "x": [1, 2, 3], "seed_everything": [0, 1]}, 6),
        ({"model.loss": ["mae", "focal"], "trainer.devices": [1, 2], "seed_everything": [0, 1]}, 2),
        ({"model.loss": ["mae", "focal"], "data.damage.label_noise": [0.0, 0.2], "seed_everything": [0, 1]}, 4),
        ({"model.loss": ["mae", "focal"], "data": ["Strokes", "MNIST"], "seed_everything": [0, 1]}, None),
        ({"model.loss": ["mae", "focal"]}, None),
    ],
)
def test_a_grid_knows_how_many_arms_it_has_on_a_test_set(parameters: dict[str, Any], arms: int | None) -> None:
    assert Sweep("s", parameters).arms == arms
