from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from entreg.errors import RunError
from entreg.sweep import Sweep
from entreg.sweep.board import Board
from entreg.sweep.report import report

optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.mark.parametrize(("metric", "best"), [("val/acc", "0"), ("val/ece", "3"), ("val/aurc", "3")])
def test_the_table_is_ranked_as_the_metric_has_it_and_what_failed_is_last(
    metric: str, best: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    board = Board.open(Sweep("s", {"a.x": [1, 2, 3, 4], "seed_everything": [0]}, metric=metric), tmp_path / "s")
    for number in range(4):
        with board.take() as trial:
            assert trial is not None
            if number == 1:
                trial.set_user_attr("error", "the loss is nan")
                board.study.tell(trial, state=TrialState.FAIL)
                continue
            board.study.tell(trial, 1 - number / 10)
    report(board, lambda runs, **options: pytest.fail("a search is not compared on test"))
    with (board.folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["trial"] == best
    assert [row["state"] for row in rows] == ["complete"] * 3 + ["fail"]
    assert (board.folder / "importance.png").is_file()
    said = capsys.readouterr().out
    assert "trial 1 failed: the loss is nan" in said
    assert "x=1 seed_everything=0" in said
    assert "with --confirm 5 trains it" in said


def test_arms_with_seeds_are_compared_once(tmp_path: Path) -> None:
    sweep = Sweep("s", {"x": [1, 2], "seed_everything": [0, 1]}, metric="val/nll", baseline="mae")
    board = Board.open(sweep, tmp_path / "s")
    for number in range(4):
        with board.take() as trial:
            assert trial is not None
            if number != 3:  # which failed before its run began
                board.run(trial).path.mkdir(parents=True)
                board.run(trial).config.touch()
            board.study.tell(trial, 0.5 if number % 2 == 0 else None, TrialState.FAIL if number % 2 else None)
    compared: list[dict[str, Any]] = []
    report(board, None)
    assert (board.folder / "trials.csv").is_file()
    for _ in range(2):
        report(board, lambda runs, **options: compared.append({"runs": runs, **options}))
    (given,) = compared
    assert sorted(given.pop("runs")) == sorted(board.run(board.trials[number]).path for number in (0, 1, 2))
    assert given == {"plan": None, "baseline": "mae", "metrics": ["acc", "nll"], "out": board.folder / "report"}


def test_without_a_completed_trial_the_logs_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    board = Board.open(Sweep("s", {"x": [1]}), tmp_path / "s")
    with board.take() as trial:
        board.study.tell(trial, state=TrialState.FAIL)  # type: ignore[arg-type]
    with pytest.raises(RunError, match="no trial was completed"):
        report(board, lambda runs, **options: pytest.fail("nothing to compare"))
    assert "fail" in capsys.readouterr().out
    assert not (board.folder / "trials.csv").exists()


def test_a_trial_that_was_tried_again_is_listed_once(tmp_path: Path) -> None:
    sweep = Sweep("s", {"x": [1, 2]})
    board = Board.open(sweep, tmp_path / "s")
    for state, value in ((TrialState.FAIL, None), (None, 0.5)):
        with board.take() as trial:
            board.study.tell(trial, value, state)  # type: ignore[arg-type]
    board = Board.open(sweep, tmp_path / "s", retry=True)
    with board.take() as trial:
        board.study.tell(trial, 0.75)  # type: ignore[arg-type]
    report(board, lambda runs, **options: None)
    with (board.folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["trial"], row["state"]) for row in rows] == [("2", "complete"), ("1", "complete")]
