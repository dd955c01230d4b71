"""What is trained again after a sweep, and that it is, once."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from entreg.compare.plan import Plan, read_plan
from entreg.errors import ConfigError, RunError
from entreg.sweep import Range, Sweep
from entreg.sweep.board import Board
from entreg.sweep.confirm import check_confirmation, confirm, confirmation
from tests.compare.run_folders import write_run

optuna.logging.set_verbosity(optuna.logging.WARNING)
LOSSES = Sweep(
    "s",
    {"model.loss": ["min_ent", "cross_entropy", "mix_ent"], "seed_everything": [3, 5]},
    options={"trainer.max_epochs": 3},
)


def finished(sweep: Sweep, folder: Path, scores: dict[str, float], failed: tuple[int, ...] = ()) -> Board:
    """A sweep whose trials score what their loss does, and a little more with each seed."""
    board = Board.open(sweep, folder)
    while not board.is_done:
        with board.take() as trial:
            assert trial is not None
            values = {**sweep.options, **trial.params}
            loss, seed = str(values["model.loss"]), int(values.get("seed_everything", 7))  # type: ignore[call-overload]
            made = write_run(folder / "made" / str(trial.number), loss, seed, images=10, ood=False)
            board.run(trial).path.parent.mkdir(exist_ok=True)
            made.path.rename(board.run(trial).path)
            state = TrialState.FAIL if trial.number in failed else None
            board.study.tell(trial, None if state else scores[loss] + 0.001 * seed, state)
    return board


def test_the_best_and_the_baseline_get_seeds_that_the_sweep_has_not_used(tmp_path: Path) -> None:
    found = confirmation(finished(LOSSES, tmp_path, {"min_ent": 0.8, "cross_entropy": 0.7, "mix_ent": 0.9}), 3)
    assert found.challenger.options == {"trainer.max_epochs": 3, "model.loss": "mix_ent"}
    assert found.baseline.options == {"trainer.max_epochs": 3, "model.loss": "cross_entropy"}
    assert found.challenger.parameters == found.baseline.parameters == {"seed_everything": [6, 7, 8]}
    assert found.plan == Plan(primary={"acc": None}, baseline="s-baseline", seeds=3, arms=2)
    said = "confirming loss=mix_ent, the best of 3 on validation (val/acc 0.904), against loss=cross_entropy (0.704)"
    assert found.said == f"{said}, with seeds 6 to 8"


def test_the_smallest_may_be_the_best_and_the_baseline_is_no_challenger(tmp_path: Path) -> None:
    sweep = replace(LOSSES, metric="val/nll", baseline="min_ent")
    found = confirmation(finished(sweep, tmp_path, {"min_ent": 0.7, "cross_entropy": 0.8, "mix_ent": 0.9}), 2)
    assert found.challenger.options["model.loss"] == "cross_entropy"
    assert "the best of 3 besides the baseline" in found.said
    assert found.plan == Plan(primary={"acc": None, "nll": None}, baseline="s-baseline", seeds=2, arms=2)


def test_a_cell_of_which_a_seed_failed_is_not_the_best(tmp_path: Path) -> None:
    board = finished(LOSSES, tmp_path, {"min_ent": 0.8, "cross_entropy": 0.7, "mix_ent": 0.9}, failed=(4,))
    assert confirmation(board, 2).challenger.options["model.loss"] == "min_ent"


def test_draws_are_cells_however_often_they_were_drawn(tmp_path: Path) -> None:
    drawn = replace(LOSSES, sampler="random", trials=4, seed=3)
    board = finished(drawn, tmp_path, {"min_ent": 0.8, "cross_entropy": 0.7, "mix_ent": 0.9})
    counts = Counter(str(trial.params["model.loss"]) for trial in board.trials)
    assert counts == {"cross_entropy": 2, "mix_ent": 1, "min_ent": 1}
    assert confirmation(board, 2).challenger.options["model.loss"] == "mix_ent"


def test_a_baseline_that_was_not_tried_has_no_values_of_the_loss(tmp_path: Path) -> None:
    sweep = Sweep(
        "s",
        {"model.loss.rce_weight": Range(0.1, 1.0), "model.loss_lr": Range(0.1, 1.0)},
        options={"model.loss": "mix_ent", "model.loss.learn_bases": False, "seed_everything": 7, "name": "x"},
        sampler="random",
        trials=2,
        plan=Plan(primary={"nll": 0.1}, baseline="mae", seeds=9),
    )
    board = finished(sweep, tmp_path, {"mix_ent": 0.9})
    found, best = confirmation(board, 2), board.trials[0].params
    assert found.challenger.options == {
        **{"model.loss": "mix_ent", "model.loss.learn_bases": False, "name": "x"},
        **best,
    }
    assert found.baseline.options == {"name": "x", "model.loss": "mae", "model.loss_lr": best["model.loss_lr"]}
    assert found.challenger.parameters == {"seed_everything": [8, 9]}
    assert found.plan == Plan(primary={"nll": 0.1}, baseline="s-baseline", seeds=2, arms=2)


def test_what_cannot_be_confirmed_is_said_in_a_line(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--confirm 1: one seed says nothing"):
        check_confirmation(LOSSES, 1)
    with pytest.raises(ConfigError, match="baseline 0f3a: a confirmation needs the name of a loss"):
        check_confirmation(replace(LOSSES, baseline="0f3a"), 5)
    check_confirmation(replace(LOSSES, baseline="mae"), 5)
    alone = replace(LOSSES, parameters={"model.loss": ["cross_entropy"]})
    with pytest.raises(RunError, match="every trial is of the baseline, cross_entropy"):
        confirmation(finished(alone, tmp_path, {"cross_entropy": 0.5}), 2)


def test_both_are_trained_and_compared_once_by_a_plan_of_before(tmp_path: Path) -> None:
    board = finished(LOSSES, tmp_path, {"min_ent": 0.8, "cross_entropy": 0.7, "mix_ent": 0.9})
    compared: list[dict[str, Any]] = []

    def work(of_arm: Board) -> None:
        assert (tmp_path / "confirm" / "plan.yaml").is_file()
        finished(of_arm.sweep, of_arm.folder, {"cross_entropy": 0.7, "mix_ent": 0.6}, failed=(1,))

    for _ in range(2):
        confirm(board, 2, work, lambda runs, **options: compared.append({"runs": runs, **options}), None, False)
    (given,) = compared
    folder = tmp_path / "confirm"
    assert [path.parent for path in given["runs"]] == [folder / "challenger" / "runs"] * 2 + [
        folder / "baseline" / "runs"
    ] * 2
    assert all(path.name.startswith("s-baseline-") for path in given["runs"][2:])
    assert {key: given[key] for key in ("plan", "baseline", "metrics", "out")} == {
        **{"plan": folder / "plan.yaml", "baseline": None, "metrics": None, "out": folder / "report"},
    }
    assert read_plan(given["plan"]).plan.baseline == "s-baseline"
    with pytest.raises(ConfigError, match=re.escape("plan.yaml: another plan was written down before the runs")):
        confirm(board, 3, work, lambda *_, **__: None, None, False)


def test_an_arm_without_a_run_is_not_compared(tmp_path: Path) -> None:
    board = finished(LOSSES, tmp_path, {"min_ent": 0.8, "cross_entropy": 0.7, "mix_ent": 0.9})

    def work(of_arm: Board) -> None:
        finished(of_arm.sweep, of_arm.folder, {"cross_entropy": 0.7, "mix_ent": 0.6}, failed=(0, 1))

    with pytest.raises(RunError, match="challenger: no trial was completed, see logs/ there"):
        confirm(board, 2, work, lambda *_, **__: pytest.fail("nothing to compare"), None, False)
