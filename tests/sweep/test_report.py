from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from entreg.errors import RunError
from entreg.sweep import Range, Sweep
from entreg.sweep.board import Board
from entreg.sweep.report import report

optuna.logging.set_verbosity(optuna.logging.WARNING)


@pytest.mark.parametrize(("direction", "best"), [("maximize", "0"), ("minimize", "3")])
def test_the_table_is_ranked_and_what_failed_is_last(
    direction: str, best: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sweep = Sweep("s", {"x": Range(0.0, 1.0)}, sampler="random", trials=4, metric="val/nll", direction=direction)  # type: ignore[arg-type]
    board = Board.open(sweep, tmp_path / "s")
    for number in range(4):
        with board.take() as trial:
            assert trial is not None
            if number == 1:
                trial.set_user_attr("error", "the loss is nan")
                board.study.tell(trial, state=TrialState.FAIL)
                continue
            board.study.tell(trial, 1 - number / 10)
    compared: list[dict[str, Any]] = []
    report(board, lambda runs, **options: compared.append({"runs": runs, **options}))
    (given,) = compared
    assert sorted(given.pop("runs")) == sorted(board.run(board.trials[number]).path for number in (0, 2, 3))
    assert given == {"plan": None, "baseline": None, "metrics": ["acc", "nll"], "out": board.folder / "report"}
    with (board.folder / "trials.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert rows[0]["trial"] == best
    assert [row["state"] for row in rows] == ["complete"] * 3 + ["fail"]
    assert (board.folder / "importance.png").is_file()
    said = capsys.readouterr().out
    assert "trial 1 failed: the loss is nan" in said
    report(board, lambda runs, **options: compared.append(options))
    assert len(compared) == 1  # made once


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
