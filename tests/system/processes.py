"""Real processes of the command line that start in a blink: forks of a server that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import random
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["entreg.cli.lightning_cli", "entreg.runs.scoring", "entreg.runs.figures"])


class Process:
    """``entreg ARGUMENTS`` in a process of its own, in ``folder``, one thread.

    Attributes:
        log: file of what it prints.
    """

    started = 0

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        Process.started += 1
        self.log = folder / f"process-{Process.started}.log"
        settings = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        self._process = _SERVER.Process(target=_run, args=(folder, list(arguments), settings, self.log))
        self._process.start()

    @property
    def is_running(self) -> bool:
        return self._process.is_alive()

    @property
    def output(self) -> str:
        return self.log.read_text() if self.log.exists() else ""

    def send(self, signum: int) -> None:
        assert self._process.pid is not None
        os.kill(self._process.pid, signum)

    def kill(self) -> None:
        if self.is_running:
            self._process.kill()
        self._process.join()

    def wait(self, timeout: float = 120) -> int:
        """Exit code; a process that does not end is killed, and fails the test."""
        self._process.join(timeout)
        if self._process.is_alive():
            self.kill()
            raise AssertionError(f"still running after {timeout} s: {self.output}")
        assert self._process.exitcode is not None
        return self._process.exitcode

    def wait_until(self, condition: Callable[[], bool], timeout: float = 120) -> bool:
        """Whether ``condition`` became true before the process ended."""
        deadline = time.monotonic() + timeout
        while not condition():
            if not self.is_running:
                return False
            assert time.monotonic() < deadline, self.output
            time.sleep(0.001)
        return True


def free_port() -> str:
    """A port that nothing uses, outside the range from which the system may give it to a connection meanwhile."""
    while True:
        port = random.SystemRandom().randrange(20000, 32000)
        with socket.socket() as free, suppress(OSError):
            free.bind(("127.0.0.1", port))
            return str(port)


def start_ranks(folder: Path, count: int, run_id: str, *arguments: str, **environment: str) -> list[Process]:
    """Start processes that train together, with the environment that torchrun gives them."""
    common = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": str(count), "GROUP_RANK": "0"}
    common |= {"LOCAL_WORLD_SIZE": str(count), "TORCHELASTIC_RUN_ID": "tests", "ENTREG_RUN_ID": run_id, **environment}
    return [Process(folder, *arguments, RANK=str(n), LOCAL_RANK=str(n), **common) for n in range(count)]


def _run(folder: Path, arguments: list[str], environment: dict[str, str], log: Path) -> None:
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for name in ("stdout", "stderr"):
        setattr(sys, name, log.open("a", buffering=1))
    import torch

    from entreg.__main__ import main

    torch.set_num_threads(1)
    sys.exit(main(arguments))
