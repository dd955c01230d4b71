"""Killed again and again at random moments and started again with the same command, a run ends as if undisturbed."""

from __future__ import annotations

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from entreg.runs import Run, read_summary
from tests.conftest import TINY
from tests.system.processes import Process
from tests.system.test_resume import assert_same

COMMAND = [
    *("fit", *TINY, "--trainer.max_epochs", "6", "--checkpoint.every_n_steps", "1", "--observe.every_n_steps", "1"),
    *("--model.loss.schedule", "decay", "--trainer.callbacks", "EarlyStopping"),
    *("--trainer.callbacks.monitor", "val/acc"),
    *("--trainer.callbacks.mode", "max", "--trainer.callbacks.patience", "5", "--trainer.val_check_interval", "3"),
]


def run_of(workplace: Path, name: str) -> Run:
    return Run(workplace / "runs" / f"mix_ent-{name}")


def start(workplace: Path, name: str) -> Process:
    return Process(workplace, *COMMAND, "--id", name)


def state(run: Run) -> str:
    """What a run was doing when it was killed, by what it left."""
    if any(run.path.glob("checkpoints/.*.part.ckpt")):
        return "writing a checkpoint"
    if "train_seconds" in read_summary(run):
        return "evaluating"
    return "training" if run.started else "starting"


def kill_somewhere(process: Process, run: Run, kind: str, delay: float) -> bool:
    """Kill ``delay`` seconds on: "time", from the start; "evaluate", into the final evaluation; "write", from the
    start, as soon as a checkpoint is being written.

    Returns:
        whether the process was still running.
    """
    conditions = {
        "time": lambda: True,
        "write": lambda: any(run.path.glob("checkpoints/.*.part.ckpt")),
        "evaluate": lambda: "train_seconds" in read_summary(run),
    }
    end = time.monotonic() + delay
    if kind == "evaluate" and process.wait_until(conditions[kind]):
        end = time.monotonic() + delay
    reached = process.wait_until(lambda: time.monotonic() > end) and process.wait_until(conditions[kind])
    process.kill()
    return reached


@pytest.mark.timeout(1800)  # a hundred take minutes
def test_kills(workplace: Path, kills: int) -> None:
    assert Process(workplace, "--version").wait() == 0  # its server has imported everything
    began = time.monotonic()
    assert start(workplace, "whole").wait() == 0
    seconds, whole = time.monotonic() - began, run_of(workplace, "whole")
    draw, where, runs = random.Random(kills), Counter[str](), 0
    while where.total() < kills:
        name, torn = f"torn{runs}", run_of(workplace, f"torn{runs}")
        for kind in ("write", "time", "write", "evaluate")[: kills - where.total()]:
            delay = draw.random() * (0.5 if kind == "evaluate" else 0.5 * seconds)
            if kill_somewhere(start(workplace, name), torn, kind, delay):
                where[state(torn)] += 1
        process = start(workplace, name)
        assert process.wait() == 0, process.output
        assert_same(torn, whole)
        ours, undisturbed = read_summary(torn), read_summary(whole)
        for key in ("val", "test", "ood", "temperature", "coefficients", "steps", "epochs", "arm"):
            assert ours[key] == undisturbed[key]
        assert not [path for path in torn.path.rglob(".*") if ".part" in path.name]
        assert not (torn.path / "lease.json").exists()
        runs += 1
    print(f"{kills} kills ({dict(where)}), {runs} runs, each equal to the undisturbed one")
