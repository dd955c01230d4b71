"""Real processes of the command line that start in a blink: forks of a server that has imported everything."""

from __future__ import annotations

import multiprocessing
import os
import random
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

SERVER = multiprocessing.get_context("forkserver")
SERVER.set_forkserver_preload(
    ["entreg.cli.lightning_cli", "entreg.runs.scoring", "entreg.runs.figures", "entreg.sweep.board"]
)


class Process:
    """``entreg ARGUMENTS`` in a process of its own, in ``folder``, one thread."""

    started = 0

    def __init__(self, folder: Path, *arguments: str, **environment: str) -> None:
        Process.started += 1
        self._log, self._errors = (folder / f"process-{Process.started}.{kind}" for kind in ("out", "err"))
        settings = {**os.environ, "OMP_NUM_THREADS": "1", **environment}
        self._process = SERVER.Process(target=_run, args=(folder, arguments, settings, self._log, self._errors))
        self._process.start()

    @property
    def is_running(self) -> bool:
        return self._process.is_alive()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def printed(self) -> str:
        return self._log.read_text() if self._log.exists() else ""

    @property
    def errors(self) -> str:
        return self._errors.read_text() if self._errors.exists() else ""

    @property
    def output(self) -> str:
        return self.printed + self.errors

    def send(self, signum: int) -> None:
        os.kill(self.pid, signum)

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


class Forked:
    """In place of the ``subprocess.Popen`` of a trial that an interpreter of its own would run: the same command."""

    def __init__(self, command: Sequence[str], *, env: dict[str, str], stdout: IO[str], **_: object) -> None:
        assert list(command[:3]) == [sys.executable, "-m", "entreg"]
        log = Path(stdout.name).absolute()
        self._process = SERVER.Process(target=_run, args=(Path.cwd(), command[3:], env, log, log))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def send_signal(self, signum: int) -> None:
        os.kill(self.pid, signum)


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


def _run(folder: Path, arguments: Sequence[str], environment: dict[str, str], log: Path, errors: Path) -> None:
    os.setsid()  # as a shell starts a command: at the head of a process group
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    for descriptor, name, path in ((1, "stdout", log), (2, "stderr", errors)):
        file = path.open("a", buffering=1)
        os.dup2(file.fileno(), descriptor)  # W&B's process writes there too
        setattr(sys, name, file)
    import torch

    from entreg.__main__ import main

    torch.set_num_threads(1)
    sys.exit(main(arguments))
