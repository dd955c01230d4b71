"""Interpreters that are started for trials, and their environment."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from entreg.sweep.places import Place
from entreg.sweep.starters import Interpreters, trial_environment

HERE = Place(frozenset(os.sched_getaffinity(0)), {"NEW": "yes"})


def test_an_interpreter_is_told_its_place(tmp_path: Path) -> None:
    script = "import os, sys; print(sorted(os.sched_getaffinity(0)), os.environ['NEW'], sys.argv[1:]); sys.exit(2)"
    with Interpreters((sys.executable, "-c", script)) as starter:
        process = starter.start(["a"], HERE, tmp_path / "0.log")
        while process.poll() is None:
            starter.wait(1)
    assert process.poll() == 2
    assert (tmp_path / "0.log").read_text() == f"{sorted(HERE.cpus)} yes ['a']\n"


def test_a_trial_is_no_task_of_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLURM_PROCID", "1")
    monkeypatch.setenv("SLURM_CONF", "here")
    found = trial_environment(Place(environment={"A": "b"}))
    assert "SLURM_PROCID" not in found
    assert (found["SLURM_CONF"], found["A"]) == ("here", "b")
