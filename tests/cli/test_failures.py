from __future__ import annotations

import json
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from lightning.fabric.utilities.exceptions import MisconfigurationException

from entreg.__main__ import main
from entreg.callbacks import Stopped
from entreg.cli.failures import translated, what_follows
from entreg.errors import Cancelled, ConfigError, RunError
from entreg.runs import Run
from tests.conftest import TINY


def step_that_raises(error: BaseException, run: Run, world_size: int = 1, received: int = 0) -> None:
    trainer: Any = SimpleNamespace(world_size=world_size, early_stopping_callbacks=[])
    stop: Any = SimpleNamespace(received=received)
    with translated(trainer, run, stop):
        raise error


@pytest.fixture
def started(tmp_path: Path) -> Run:
    (tmp_path / "config.yaml").touch()
    return Run(tmp_path)


def test_what_lightning_refuses_is_a_mistake_in_the_config(started: Run) -> None:
    with pytest.raises(ConfigError, match=r"^no metric of that name$"):
        step_that_raises(MisconfigurationException("no metric of that name"), started)


def test_a_loader_worker_that_a_signal_ended_is_a_stop_and_no_error(started: Run) -> None:
    error = RuntimeError("DataLoader worker (pid 3) is killed by signal: Terminated.")
    with pytest.raises(Stopped, match="stopped by SIGTERM in the middle of a step"):
        step_that_raises(error, started, received=signal.SIGTERM)
    with pytest.raises(RuntimeError, match="DataLoader worker"):  # without a signal it is what it is
        step_that_raises(error, started)


def test_a_lost_process_says_how_to_go_on_once_there_is_a_run(started: Run, tmp_path: Path) -> None:
    error = RuntimeError("[gloo/transport/tcp/pair.cc:534] Connection closed by peer\nand a trace")
    with pytest.raises(RunError, match=r"Connection closed by peer\); go on with: entreg fit --run"):
        step_that_raises(error, started, world_size=2)
    with pytest.raises(RunError, match=r"Connection closed by peer\)$"):
        step_that_raises(error, Run(tmp_path / "new"), world_size=2)
    with pytest.raises(RuntimeError, match="gloo"):  # a process alone has lost nobody
        step_that_raises(error, started)


def test_ctrl_c_says_how_to_go_on_once_there_is_a_run(started: Run, tmp_path: Path) -> None:
    with pytest.raises(Cancelled, match=r"^interrupted; go on with: entreg fit --run"):
        step_that_raises(SystemExit(1), started)
    with pytest.raises(Cancelled, match=r"^interrupted$"):
        step_that_raises(SystemExit(1), Run(tmp_path / "new"))


def test_what_follows_a_stop(started: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_JOB_ID", raising=False)
    stopped = Stopped(signal.SIGUSR1, "after step 3")
    assert what_follows(stopped, started) == f"go on with: entreg fit --run {started.path}"
    assert what_follows(stopped, Run(tmp_path / "new")) == "nothing was written"


def test_early_stopping_by_a_key_that_nothing_logs_names_those_there_are(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    callback = {"class_path": "EarlyStopping", "init_args": {"monitor": "val/accuracy"}}
    assert main(["fit", *TINY, "--evaluate", "false", "--trainer.callbacks", json.dumps([callback])]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("entreg: trainer.callbacks: EarlyStopping monitors val/accuracy, expected one of ")
    assert "val/acc, " in said
