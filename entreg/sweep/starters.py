"""What starts the processes of trials, and the way that works everywhere: an interpreter of its own for each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Protocol

from typing_extensions import Self

from entreg.sweep.places import Place, pin


class Process(Protocol):
    """A trial's process."""

    def poll(self) -> int | None:
        """Exit code, negative for a signal; ``None`` while it runs."""

    def send_signal(self, signum: int) -> None:
        """Send a signal to it, unless it has ended."""


class Starter(Protocol):
    """Starts the processes of trials; a context manager."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...

    def start(self, words: Sequence[str], place: Place, log: Path) -> Process:
        """Start ``entreg WORDS`` at a place, its output going to the end of a log."""

    def wait(self, seconds: float) -> None:
        """Wait that long, or until a process ends."""


class Interpreters:
    """Each trial in a fresh interpreter: works on every system, and takes seconds to import everything.

    Args:
        command: what the words of a trial are added to.
    """

    def __init__(self, command: Sequence[str] = (sys.executable, "-m", "entreg")) -> None:
        self._command = command
        self._running: list[subprocess.Popen[bytes]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        pass

    def start(self, words: Sequence[str], place: Place, log: Path) -> Process:
        """Start it."""
        with log.open("ab") as output:
            process = subprocess.Popen(
                [*self._command, *words],
                env=trial_environment(place),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        pin(process.pid, place)
        self._running.append(process)
        return process

    def wait(self, seconds: float) -> None:
        """Look ten times a second."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and all(process.poll() is None for process in self._running):
            time.sleep(0.1)
        self._running = [process for process in self._running if process.poll() is None]


def trial_environment(place: Place) -> dict[str, str]:
    """Environment of a trial: not that of a task of SLURM, whose ranks are the workers'."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_") or key == "SLURM_CONF"}
    return {**kept, **place.environment}
