"""A worker's handling of its trials, with processes that only pretend to train."""

from __future__ import annotations

import signal
import sys
import textwrap
from dataclasses import replace
from pathlib import Path

import optuna
import pytest
from optuna.trial import TrialState

from entreg.errors import Cancelled, ConfigError, Interrupted, RunError
from entreg.runs import Run
from entreg.sweep import Sweep
from entreg.sweep.board import Board
from entreg.sweep.places import Place
from entreg.sweep.progress import Display
from entreg.sweep.starters import Interpreters
from entreg.sweep.worker import DEATHS, Worker

optuna.logging.set_verbosity(optuna.logging.WARNING)
SWEEP = Sweep("s", {"x": [1, 2, 3]})
FINISHES = """
    import json, pathlib, sys
    run, x = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    run.mkdir(parents=True, exist_ok=True)
    (run / "summary.json").write_text(json.dumps({"val": {"acc": x}, "finished": True}))
"""


class Lines(Display):
    """Keeps what is said."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[str] = []

    def say(self, line: str) -> None:
        self.said.append(line)


class Pretender(Worker):
    """Starts a script with the run folder and the value of ``x`` in place of ``entreg fit``."""

    def __init__(self, board: Board, script: str, places: int = 1) -> None:
        starter = Interpreters((sys.executable, "-c", textwrap.dedent(script)))
        super().__init__(board, [], Lines(), starter, [Place() for _ in range(places)])

    def _words(self, trial: optuna.Trial, run: Run) -> list[str]:
        return [str(run.path), str(trial.params["x"])]


def work(tmp_path: Path, script: str, places: int = 1, **sweep: object) -> tuple[Board, list[str]]:
    board = Board.open(replace(SWEEP, **sweep), tmp_path)  # type: ignore[arg-type]
    worker = Pretender(board, script, places)
    worker.work()
    assert isinstance(worker.display, Lines)
    return board, worker.display.said


def states(board: Board) -> list[TrialState]:
    return [trial.state for trial in board.trials]


def test_values_are_those_of_the_summaries(tmp_path: Path) -> None:
    board, said = work(tmp_path, FINISHES)
    assert [trial.value for trial in board.trials] == [1, 2, 3]
    assert said[0] == "trial 0 of 3: x=1"
    assert said[1].startswith("trial 0: val/acc 1  ")


def test_a_trial_that_fails_is_not_the_end_of_the_others(tmp_path: Path) -> None:
    script = FINISHES + "    print('entreg: the loss is nan'); sys.exit(x == 2)"
    board, said = work(tmp_path, script)
    assert states(board) == [TrialState.COMPLETE, TrialState.FAIL, TrialState.COMPLETE]
    assert board.trials[1].user_attrs["error"] == "the loss is nan"
    assert "trial 1 failed: the loss is nan" in said


def test_a_configuration_that_no_trial_survives_stops_the_sweep_and_costs_no_trial(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="trial 0: no option x"):
        work(tmp_path, "import sys; print('entreg: no option x'); sys.exit(2)")
    board, _ = work(tmp_path, FINISHES)
    assert states(board) == [TrialState.COMPLETE] * 3


def test_what_fails_every_trial_stops_the_worker_and_can_be_retried(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"3 trials in a row failed, the last: no data; .* --retry true"):
        work(tmp_path, "import sys; print('entreg: no data'); sys.exit(1)")
    failed = Board.open(SWEEP, tmp_path)
    assert failed.is_done
    runs = [trial.user_attrs["run"] for trial in failed.trials]
    for _ in range(2):  # a second worker retries nothing twice
        board = Board.open(SWEEP, tmp_path, retry=True)
        assert len(board.trials) == 6
    board, _ = work(tmp_path, FINISHES)
    assert states(board) == [TrialState.FAIL] * 3 + [TrialState.COMPLETE] * 3
    assert [trial.value for trial in board.trials[3:]] == [1, 2, 3]
    assert [trial.user_attrs["run"] for trial in board.trials[3:]] == runs


@pytest.mark.parametrize("end", ["os.kill(os.getpid(), 9)", "sys.exit(75)"])
def test_a_process_that_is_killed_or_stopped_is_started_again(end: str, tmp_path: Path) -> None:
    script = f"""
    import os, pathlib, sys
    marker = pathlib.Path(sys.argv[1] + "-begun")
    if not marker.exists():
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        {end}
    """
    board, _ = work(tmp_path, textwrap.dedent(script) + textwrap.dedent(FINISHES))
    assert states(board) == [TrialState.COMPLETE] * 3
    assert [trial.user_attrs["attempts"] for trial in board.trials] == [2, 2, 2]
    assert [trial.user_attrs.get("deaths", 0) for trial in board.trials] == [int("kill" in end)] * 3


def test_a_trial_that_another_worker_has_taken_over_is_left_to_it(tmp_path: Path) -> None:
    script = """
    import pathlib, signal, sys, time
    claim = pathlib.Path(sys.argv[1]).parents[1] / "claims" / "0.json"
    marker = pathlib.Path(sys.argv[1] + "-begun")
    def give_back(*_):
        claim.unlink()
        sys.exit(1)
    if not marker.exists():
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        signal.signal(signal.SIGTERM, give_back)
        claim.write_text('{"token": "t", "host": "h", "machine": "elsewhere", "pid": 1, "started": "1"}')
        time.sleep(60)
    """
    board, said = work(tmp_path, textwrap.dedent(script) + textwrap.dedent(FINISHES), parameters={"x": [1]})
    assert said[1] == "trial 0: another worker goes on with it, as this one had stood still"
    assert states(board) == [TrialState.COMPLETE]
    assert board.trials[0].user_attrs["attempts"] == 2
    assert "error" not in board.trials[0].user_attrs


def test_a_trial_fails_for_what_its_last_process_said(tmp_path: Path) -> None:
    script = """
    import pathlib, sys
    marker = pathlib.Path(sys.argv[1] + "-begun")
    if not marker.exists():
        marker.parent.mkdir(parents=True, exist_ok=True)
        marker.touch()
        print("entreg: stopped by SIGTERM")
        sys.exit(75)
    raise RuntimeError("no memory")
    """
    _, said = work(tmp_path, script, parameters={"x": [1]})
    assert said[-1] == "trial 0 failed: RuntimeError: no memory"


def test_a_process_that_always_dies_is_given_up(tmp_path: Path) -> None:
    board, said = work(tmp_path, "import os; os.kill(os.getpid(), 9)", parameters={"x": [1]})
    assert states(board) == [TrialState.FAIL]
    assert said[-1] == f"trial 0 failed: its process died {DEATHS} times"


def test_a_finished_run_is_told_and_not_run_again(tmp_path: Path) -> None:
    board = Board.open(Sweep("s", {"x": [1]}), tmp_path)
    with board.take() as trial:
        assert trial is not None
        run = board.run(trial)
        run.path.mkdir(parents=True)
        run.summary.write_text('{"val": {"acc": 0.5}, "finished": true}')
    Pretender(board, "raise SystemExit(1)").work()
    assert [trial.value for trial in board.trials] == [0.5]


def test_a_trial_is_pruned_by_what_it_logs(tmp_path: Path) -> None:
    logs = """
    import pathlib, sys, time
    run, x = pathlib.Path(sys.argv[1]), float(sys.argv[2])
    run.mkdir(parents=True, exist_ok=True)
    with (run / "metrics.csv").open("w") as file:
        print("step,name,value,time", file=file)
        for step in range(3):
            print(f"{step},val/acc,{x},0", file=file)
            print(f"{step},val/nll,{-x},0", file=file)
    time.sleep(60)
    """
    board = Board.open(Sweep("s", {"x": [1]}, prune="median"), tmp_path)
    for number in range(5):  # the median pruner lets the first five be
        values = dict.fromkeys(range(3), 2.0)
        known = {"cell": 10 + number, "run": "none"}
        board.study.add_trial(optuna.trial.create_trial(value=2.0, intermediate_values=values, user_attrs=known))
    Pretender(board, logs).work()
    assert board.trials[0].state == TrialState.PRUNED
    assert board.trials[0].intermediate_values == {0: 1.0, 1: 1.0, 2: 1.0}


def test_a_run_that_has_a_summary_and_did_not_finish_goes_on(tmp_path: Path) -> None:
    board = Board.open(Sweep("s", {"x": [1]}), tmp_path)
    with board.take() as trial:
        run = board.run(trial)
        run.path.mkdir(parents=True)
        run.summary.write_text('{"val": {"acc": 0.25}}')
    board, _ = work(tmp_path, FINISHES, parameters={"x": [1]})
    assert [trial.value for trial in board.trials] == [1]


MEETS = """
    import pathlib, sys, time
    here = pathlib.Path(sys.argv[1]).parent
    here.mkdir(parents=True, exist_ok=True)
    (here / f"there-{sys.argv[2]}").touch()
    deadline = time.monotonic() + 30
    while len(list(here.glob("there-*"))) < 2:  # until another one is at work, too
        assert time.monotonic() < deadline
        time.sleep(0.01)
"""


def test_places_are_worked_at_together(tmp_path: Path) -> None:
    board, said = work(tmp_path, textwrap.dedent(MEETS) + textwrap.dedent(FINISHES), places=2)
    assert [trial.value for trial in board.trials] == [1, 2, 3]
    assert [trial.user_attrs["attempts"] for trial in board.trials] == [1, 1, 1]
    assert said[:2] == ["trial 0 of 3: x=1", "trial 1 of 3: x=2"]


STAYS = """
    import pathlib, signal, sys, time
    def leave(signum, frame):
        pathlib.Path(sys.argv[1] + "-saved").touch()
        sys.exit(75)
    signal.signal(signal.SIGTERM, leave)
    pathlib.Path(sys.argv[1]).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(sys.argv[1] + "-there").touch()
    time.sleep(60)
"""


def test_what_ends_the_work_stops_every_trial(tmp_path: Path) -> None:
    """Here: the second trial cannot be configured, while the first is at work."""
    refused = """
    import pathlib, sys, time
    if float(sys.argv[2]) == 2:
        while not list(pathlib.Path(sys.argv[1]).parent.glob("*-there")):
            time.sleep(0.01)
        sys.exit(2)
    """
    with pytest.raises(ConfigError, match="trial 1: it said nothing"):
        work(tmp_path, textwrap.dedent(refused) + textwrap.dedent(STAYS), places=2)
    board = Board.open(SWEEP, tmp_path)
    assert states(board)[:2] == [TrialState.RUNNING] * 2
    assert Path(f"{board.run(board.trials[0]).path}-saved").exists()
    assert not list((tmp_path / "claims").glob("*.json"))  # both may be taken up again


def test_what_ends_the_work_while_trials_are_taken_stops_those_that_were(tmp_path: Path) -> None:
    board = Board.open(SWEEP, tmp_path)
    with board.take(), board.take() as second:
        assert second is not None
        board.run(second).path.mkdir(parents=True)
        board.run(second).summary.write_text('{"val": {}, "finished": true}')  # its value cannot be told
    with pytest.raises(RunError, match=r"summary\.json has no val/acc; delete it to train it again"):
        work(tmp_path, STAYS, places=2)
    first = board.run(board.trials[0]).path
    assert not list((tmp_path / "claims").glob("*.json"))
    assert Path(f"{first}-there").exists() == Path(f"{first}-saved").exists()  # if it had come that far


@pytest.mark.parametrize(("signum", "error"), [(signal.SIGINT, Cancelled), (signal.SIGTERM, Interrupted)])
def test_one_signal_stops_all(signum: int, error: type[Exception], tmp_path: Path) -> None:
    board = Board.open(SWEEP, tmp_path)
    handler = signal.getsignal(signum)

    class Interrupting(Pretender):
        def _look(self) -> None:
            super()._look()
            if len(list((tmp_path / "runs").glob("*-there"))) == 2:
                signal.raise_signal(signum)

    with pytest.raises(error, match=f"{signal.Signals(signum).name}; the same command goes on"):
        Interrupting(board, STAYS, places=2).work()
    assert signal.getsignal(signum) is handler
    assert len(list((tmp_path / "runs").glob("*-saved"))) == 2
    board, _ = work(tmp_path, FINISHES, places=2)
    assert [trial.value for trial in board.trials] == [1, 2, 3]
    assert [trial.user_attrs["attempts"] for trial in board.trials] == [2, 2, 1]
