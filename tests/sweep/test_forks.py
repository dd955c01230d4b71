"""Processes that are forked for trials, of a program that only tells what it finds."""

from __future__ import annotations

import json
import os
import signal
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from entreg.errors import RunError
from entreg.sweep.forks import Forks
from entreg.sweep.places import Place
from entreg.sweep.starters import Interpreters, Process, Starter, trial_environment

TOY = """
    import atexit, json, os, signal, sys, time

    def leave(signum, frame):
        sys.exit(75)

    if sys.argv[1] == "stay":
        signal.signal(signal.SIGTERM, leave)
        print("here", flush=True)
        time.sleep(60)
    import torch
    net = torch.nn.Linear(500, 500)
    net(torch.randn(5000, 500, generator=torch.Generator().manual_seed(0))).square().mean().backward()
    atexit.register(print, "left")
    print(json.dumps({
        "words": sys.argv[1:], "cpus": sorted(os.sched_getaffinity(0)), "threads": torch.get_num_threads(),
        "alive": len(os.listdir("/proc/self/task")), "module": sys.modules["__main__"].__spec__.name,
        "interrupts": signal.getsignal(signal.SIGINT) == signal.SIG_IGN, "parent": os.getppid(),
        "environment": dict(os.environ),
        "prepared": getattr(sys.modules.get("preparation"), "rehearsed", None),
    }))
    sys.exit(int(sys.argv[1]))
"""
PREPARATION = """
    import threading
    import torch

    rehearsed = []

    def prepare(words):
        rehearsed.append(list(words))
        assert torch.get_num_threads() == 1 and threading.active_count() == 1
"""
TWO = Place(frozenset(os.sched_getaffinity(0)), {"OMP_NUM_THREADS": "2", "NEW": "yes"})


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Working directory with the program, and two preparations for it."""
    (tmp_path / "toy").mkdir()
    (tmp_path / "toy" / "__init__.py").touch()
    (tmp_path / "toy" / "__main__.py").write_text(textwrap.dedent(TOY))
    (tmp_path / "preparation.py").write_text(textwrap.dedent(PREPARATION))
    (tmp_path / "touching.py").write_text(
        "from preparation import prepare, torch\ntorch.cuda.is_initialized = lambda: True"
    )
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def forks(toys: Path) -> Iterator[Forks]:
    with Forks("toy", "preparation", toys / "logs" / "warm.log") as started:
        yield started


def end(starter: Starter, process: Process) -> int:
    return until(starter, lambda: process.poll())


def until(starter: Starter, reached: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 60
    while (value := reached()) is None or value is False:
        assert time.monotonic() < deadline
        starter.wait(0.05)
    return value


def told(log: Path) -> dict[str, Any]:
    return json.loads(log.read_text().splitlines()[0])


def test_a_fork_is_as_an_interpreter_of_its_own(forks: Forks, tmp_path: Path) -> None:
    log = tmp_path / "0.log"
    assert end(forks, forks.start(["3", "--x"], TWO, log)) == 3
    found = told(log)
    assert found["words"] == ["3", "--x"]
    assert found["module"] == "toy.__main__"  # what Lightning starts further processes of a training by
    assert log.read_text().endswith("left\n")  # W&B finishes in a hook of the interpreter's end
    given = trial_environment(TWO)
    assert {key: found["environment"].get(key) for key in given} == given
    assert set(found["environment"]) - set(given) <= {"PYTORCH_NVML_BASED_CUDA_CHECK", "LC_CTYPE"}
    assert found["interrupts"]


def test_a_fork_computes_on_its_share_of_cores_and_threads(forks: Forks, tmp_path: Path) -> None:
    one = Place(frozenset([min(TWO.cpus)]), {"OMP_NUM_THREADS": "1"})
    for number, (place, threads) in enumerate([(TWO, 2), (one, 1), (TWO, 2)]):
        log = tmp_path / f"{number}.log"
        assert end(forks, forks.start(["0"], place, log)) == 0
        assert told(log)["cpus"] == sorted(place.cpus)
        assert told(log)["threads"] == threads
        assert told(log)["alive"] >= threads  # they were really started


@pytest.mark.long
def test_a_fork_that_is_left_everything_has_the_threads_of_an_interpreter(
    toys: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    threads = []
    for starter in (Interpreters((sys.executable, "-m", "toy")), Forks("toy", "preparation", toys / "warm.log")):
        log = toys / f"{type(starter).__name__}.log"
        with starter:
            assert end(starter, starter.start(["0"], Place(), log)) == 0
        threads.append(told(log)["threads"])
    assert threads[0] == threads[1]


def test_forks_run_beside_one_another_and_only_the_first_is_rehearsed(forks: Forks, tmp_path: Path) -> None:
    processes = [forks.start([str(n)], Place(), tmp_path / f"{n}.log") for n in range(3)]
    assert [end(forks, process) for process in processes] == [0, 1, 2]
    for n in range(3):
        assert told(tmp_path / f"{n}.log")["prepared"] == [["0"]]


@pytest.mark.long
def test_a_server_whose_cuda_was_touched_forks_interpreters(toys: Path) -> None:
    with Forks("toy", "touching", toys / "warm.log") as forks:
        for number in range(2):
            log = toys / f"{number}.log"
            assert end(forks, forks.start(["4"], TWO, log)) == 4
            found = told(log)
            assert (found["prepared"], found["threads"], found["interrupts"]) == (None, 2, True)


def test_a_signal_reaches_the_trial_it_is_for(forks: Forks, tmp_path: Path) -> None:
    stays = [forks.start(["stay"], Place(), tmp_path / f"{n}.log") for n in range(2)]
    until(forks, lambda: all((tmp_path / f"{n}.log").exists() and (tmp_path / f"{n}.log").read_text() for n in (0, 1)))
    stays[0].send_signal(signal.SIGTERM)
    assert end(forks, stays[0]) == 75
    assert stays[1].poll() is None
    stays[0].send_signal(signal.SIGTERM)  # it is no more: nothing happens
    stays[1].send_signal(signal.SIGKILL)
    assert end(forks, stays[1]) == -signal.SIGKILL


def test_a_signal_before_the_fork_is_not_lost(forks: Forks, tmp_path: Path) -> None:
    process = forks.start(["stay"], Place(), tmp_path / "0.log")
    process.send_signal(signal.SIGTERM)
    assert end(forks, process) in (75, -signal.SIGTERM)


@pytest.mark.long
def test_a_server_that_cannot_start_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = tmp_path / "warm.log"
    with Forks("toy", "absent", log) as forks:
        process = forks.start(["0"], Place(), tmp_path / "0.log")
        with pytest.raises(RunError, match=f"has died, see {log}; the same command goes on"):
            end(forks, process)
    assert "No module named 'absent'" in log.read_text()
