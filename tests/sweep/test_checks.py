from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState, create_trial

from entreg.errors import RunError
from entreg.runs import new_run
from entreg.sweep import Range, Sweep
from entreg.sweep.board import Board
from entreg.sweep.checks import check_trial

SWEEP = Sweep("my-sweep", {"x": [1, 2], "lr": Range(0.1, 1.0)}, sampler="random", trials=3)


def running(**attributes: Any) -> optuna.trial.FrozenTrial:
    """A trial as a dead worker leaves it, with something else about it."""
    params = attributes.pop("params", {})
    known: dict[str, Any] = {name: CategoricalDistribution([value]) for name, value in params.items()}
    known |= {"lr": FloatDistribution(0.0, 9.0)} if "lr" in params else {}
    return create_trial(state=TrialState.RUNNING, params=params, distributions=known, **attributes)


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"params": {"x": 1, "model.loss": "evil.Loss"}}, "model.loss = 'evil.Loss', which is no parameter"),
        ({"params": {"x": "evil.Loss"}}, r"x = 'evil.Loss', expected one of \[1, 2\]"),
        ({"params": {"x": True}}, "x = True"),
        ({"params": {"lr": 2.0}}, "lr = 2.0, expected 0.1 to 1.0"),
        ({"system_attrs": {"fixed_params": {"model.loss": "evil.Loss"}}}, "model.loss"),
        ({"system_attrs": {"fixed_params": ["x"]}}, "fixed_params"),
        *(({"user_attrs": {"run": run}}, "the name of a folder") for run in ("../../x-1", "/x-1", "..", "a\0", 3)),
        ({"user_attrs": {"attempts": "1"}}, "attempts = '1', expected a number"),
        ({"user_attrs": {"retry_of": [1]}}, "retry_of"),
    ],
)
def test_what_is_not_the_sweeps_is_refused_in_one_line(attributes: dict[str, Any], said: str) -> None:
    with pytest.raises(RunError, match=rf"^trial -1 of this study has .*{said}") as error:
        check_trial(SWEEP, running(**attributes))
    assert "\n" not in str(error.value)


def test_a_board_takes_no_trial_of_another_sweep(tmp_path: Path) -> None:
    board = Board.open(SWEEP, tmp_path)
    board.study.ask({"model.loss": CategoricalDistribution(["evil.Loss"])})
    with pytest.raises(RunError, match="trial 0 of this study"), board.take():
        pass


def test_values_of_another_kind_of_choice_are_refused(tmp_path: Path) -> None:
    board = Board.open(SWEEP, tmp_path)
    board.study.ask({"x": CategoricalDistribution([2, 1])})
    with pytest.raises(RunError, match=r"is not of sweep my-sweep"), board.take():
        pass


@pytest.mark.parametrize("name", ["runs", "logs", "study.log"])
def test_nothing_in_the_folder_is_a_link(name: str, tmp_path: Path) -> None:
    (tmp_path / "s").mkdir()
    (tmp_path / "s" / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(RunError, match="is a link"):
        Board.open(SWEEP, tmp_path / "s")
    assert not (tmp_path / "elsewhere").exists()


def test_a_run_is_no_link_and_has_the_name_that_fit_gives_it(tmp_path: Path) -> None:
    board = Board.open(SWEEP, tmp_path)
    with board.take() as trial:
        assert trial is not None
        run = board.run(trial)
        name, _, run_id = run.path.name.rpartition("-")
        assert new_run(run.path.parent, name, run_id) == run
        run.path.parent.mkdir()
        run.path.symlink_to(tmp_path)
        with pytest.raises(RunError, match="is a link"):
            board.run(trial)


def test_a_study_of_another_kind_is_refused(tmp_path: Path) -> None:
    Board.open(SWEEP, tmp_path).study.set_user_attr("sweep", "evil")
    with pytest.raises(RunError, match="calls itself 'evil', no sweep"):
        Board.open(SWEEP, tmp_path)
    (tmp_path / "b").mkdir()
    backwards = JournalStorage(JournalFileBackend(str(tmp_path / "b" / "study.log")))
    optuna.create_study(storage=backwards, study_name=SWEEP.name, direction="minimize")
    with pytest.raises(RunError, match="its study would minimize"):
        Board.open(SWEEP, tmp_path / "b")
