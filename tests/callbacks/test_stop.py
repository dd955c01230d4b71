"""SIGTERM and SIGUSR1 save after the step at hand and end the process in one line."""

from __future__ import annotations

import signal
import time
from functools import partial
from pathlib import Path

import pytest
import torch

from entreg.runs import Run
from tests.conftest import TINY
from tests.system.processes import Process
from tests.system.test_distributed import entreg_process
from tests.system.test_resume import assert_same

# No checkpoint but those that a signal or a validation asks for.
COMMAND = ["fit", *TINY, "--trainer.max_epochs", "10", "--checkpoint.every_n_steps", "1000"]
SIGNALS = [signal.SIGTERM, signal.SIGUSR1]


def has_rows(run: Run, rows: int) -> bool:
    return run.metrics.exists() and run.metrics.read_text().count("\n") > rows


def step_of(run: Run) -> int:
    return torch.load(run.checkpoint("last"), weights_only=True)["global_step"]


@pytest.fixture
def whole(workplace: Path) -> Run:
    assert Process(workplace, *COMMAND, "--id", "whole").wait() == 0
    return Run(workplace / "runs" / "mix_ent-whole")


def test_a_signal_saves_the_step_and_the_same_command_goes_on(workplace: Path, whole: Run) -> None:
    for signum in SIGNALS:
        run = Run(workplace / "runs" / f"mix_ent-{signum.name}")
        command = [*COMMAND, "--id", signum.name]
        for rows in (20, 150):
            process = Process(workplace, *command)
            assert process.wait_until(partial(has_rows, run, rows))
            process.send(signum)
            assert process.wait() == 75
            assert f"entreg: stopped by {signum.name} after step {step_of(run)}; go on with" in process.output
            assert "Traceback" not in process.output
            assert not (run.path / "lease.json").exists()
        assert Process(workplace, *command).wait() == 0
        assert_same(run, whole)


def test_a_signal_in_the_final_evaluation_ends_it(workplace: Path, whole: Run) -> None:
    run = Run(workplace / "runs" / "mix_ent-late")
    process = Process(workplace, *COMMAND, "--id", "late")
    assert process.wait_until(run.summary.exists)
    process.send(signal.SIGTERM)
    assert process.wait() == 75
    assert "stopped by SIGTERM outside training; go on with: entreg fit --run" in process.output
    assert Process(workplace, "fit", "--run", str(run.path)).wait() == 0
    assert_same(run, whole)


def test_of_two_processes_one_is_told_and_both_stop(workplace: Path) -> None:
    options = [*TINY, "--trainer.max_epochs", "40", "--trainer.devices", "2", "--checkpoint.every_n_steps", "1000"]
    run = Run(workplace / "runs" / "mix_ent-two")
    process = entreg_process("fit", *options, "--id", "two")
    while not has_rows(run, 40):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 75
    assert f"entreg: stopped by SIGTERM after step {step_of(run)}; go on with" in errors
    assert errors.count("entreg:") == 1
    assert "Traceback" not in errors
    assert step_of(run) < 200
