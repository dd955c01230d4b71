"""SIGTERM, SIGUSR1, SIGHUP and Ctrl-C save after the step at hand and end the process in one line."""

from __future__ import annotations

import signal
from functools import partial
from pathlib import Path

import pytest
import torch

from entreg.runs import Run, read_summary
from tests.conftest import TINY
from tests.system.processes import Process, start_ranks
from tests.system.test_resume import assert_same

# No checkpoint but those that a signal or a validation asks for.
COMMAND = ["fit", *TINY, "--trainer.max_epochs", "10", "--checkpoint.every_n_steps", "1000"]
COMMAND += ["--data.corruptions", "[noise]", "--trainer.callbacks", "user_file.Slow"]


def rows_of(run: Run) -> int:
    return run.metrics.read_text().count("\n") if run.metrics.exists() else 0


def has_rows(run: Run, rows: int) -> bool:
    return rows_of(run) > rows


def step_of(run: Run) -> int:
    return torch.load(run.checkpoint("last"), weights_only=True)["global_step"]


@pytest.mark.long
def test_each_signal_saves_the_step_and_the_same_command_goes_on(workplace: Path) -> None:
    assert Process(workplace, *COMMAND, "--id", "whole").wait() == 0
    run, command = Run(workplace / "runs" / "mix_ent-x"), [*COMMAND, "--id", "x"]
    codes = {signal.SIGTERM: 75, signal.SIGUSR1: 75, signal.SIGHUP: 75, signal.SIGINT: 130}
    for signum in codes:
        rows = rows_of(run) + 20  # two steps more: the process trains, and hears
        process = Process(workplace, *command)
        assert process.wait_until(partial(has_rows, run, rows))
        process.send(signum)
        assert process.wait() == codes[signum]
        assert f"entreg: stopped by {signum.name} after step {step_of(run)}; go on with" in process.output
        assert "Traceback" not in process.output
        assert not run.lease.exists()
    process = Process(workplace, *command)
    assert process.wait_until(lambda: "train_seconds" in read_summary(run))  # in the final evaluation
    process.send(signal.SIGTERM)
    assert process.wait() == 75
    assert "stopped by SIGTERM outside training; go on with: entreg fit --run" in process.output
    assert Process(workplace, "fit", "--run", str(run.path)).wait() == 0
    assert_same(run, Run(workplace / "runs" / "mix_ent-whole"))


@pytest.mark.long
def test_of_two_processes_one_is_told_and_both_stop(workplace: Path) -> None:
    options = [*TINY, "--trainer.max_epochs", "40", "--checkpoint.every_n_steps", "1000"]
    run = Run(workplace / "runs" / "mix_ent-two")
    first, second = start_ranks(workplace, 2, "two", "fit", *options)
    assert first.wait_until(partial(has_rows, run, 40))
    second.send(signal.SIGTERM)
    assert (first.wait(), second.wait()) == (75, 0)
    assert f"entreg: stopped by SIGTERM after step {step_of(run)}; go on with" in first.output
    assert (first.output + second.output).count("entreg:") == 1
    assert "Traceback" not in first.output + second.output
    assert step_of(run) < 200
