from __future__ import annotations

import math

import optuna
import pytest

from entreg.sweep import Range, Sweep
from entreg.sweep.space import arguments, cells, sampler, suggest

optuna.logging.set_verbosity(optuna.logging.WARNING)


def test_a_grid_has_every_combination_once() -> None:
    found = [tuple(cell.items()) for cell in cells(Sweep("a", {"x": [1, 2, 3], "y": [True, None], "z": ["p", "q"]}))]
    assert len(found) == len(set(found)) == 12


@pytest.mark.parametrize("kind", ["random", "tpe"])
def test_draws_are_in_range_and_a_function_of_the_trial(kind: str) -> None:
    space = {"a": Range(0.01, 100.0, log=True), "b": Range(1, 4), "c": ["p", "q"], "d": Range(-1.0, 1)}
    sweep = Sweep("a", space, sampler=kind, trials=30)  # type: ignore[arg-type]

    def draw() -> list[dict[str, object]]:
        study = optuna.create_study()
        for number in range(30):
            study.sampler = sampler(sweep, number)
            trial = study.ask()
            suggest(sweep, trial)
            study.tell(trial, trial.params["a"])
        return [trial.params for trial in study.trials]

    drawn = draw()
    assert drawn == draw()
    assert all(0.01 <= p["a"] <= 100 and p["b"] in (1, 2, 3, 4) and p["c"] in ("p", "q") for p in drawn)  # type: ignore[operator]
    assert len({p["a"] for p in drawn}) == 30
    if kind == "random":
        assert abs(sum(math.log10(p["a"]) for p in drawn) / 30) < 3 * 4 / math.sqrt(12 * 30)  # type: ignore[arg-type]


def test_values_are_written_as_the_parser_reads_them() -> None:
    sweep = Sweep("a", {"x": [1]}, options={"y": False, "z": 1e-5})
    assert arguments(sweep, {"x": None, "w": "mix_ent"}) == [
        "--y",
        "false",
        "--z",
        "1e-05",
        "--x",
        "null",
        "--w",
        "mix_ent",
    ]


def test_a_value_that_begins_with_a_dash_is_no_option_of_its_own() -> None:
    sweep = Sweep("a", {"x": [1, 2]})
    assert arguments(sweep, {"x": -3.2e-05}) == ["--x=-3.2e-05"]
