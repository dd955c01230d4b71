"""The fast way to start the process of a trial: as a fork of a warm server, which has imported everything."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import Pipe
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from typing_extensions import Self

from entreg.cluster import STOP_SIGNALS
from entreg.errors import RunError
from entreg.sweep.places import Place
from entreg.sweep.starters import Process, trial_environment


class Order(NamedTuple):
    """A trial to be forked off.

    Attributes:
        ticket: number under which it is spoken of.
        words: of the command line.
        place: cores, and what is added to the environment.
        environment: all of it.
        log: where its output goes.
    """

    ticket: int
    words: tuple[str, ...]
    place: Place
    environment: Mapping[str, str]
    log: Path


class Signal(NamedTuple):
    """A signal to be sent to a trial, unless it has ended."""

    ticket: int
    signum: int


class Forked:
    """A trial that :class:`Forks` started."""

    def __init__(self, ticket: int, forks: Forks) -> None:
        self.returncode: int | None = None
        self._ticket = ticket
        self._forks = forks

    def poll(self) -> int | None:
        """Exit code, as it has been heard of."""
        return self.returncode

    def send_signal(self, signum: int) -> None:
        """Ask the server to: it alone knows that the process id is still this trial's."""
        self._forks.say(Signal(self._ticket, signum))


class Forks:
    """Each trial as a fork of one server, which has imported everything (:mod:`entreg.sweep.warm`).

    Args:
        program: package whose ``__main__`` a trial runs.
        preparation: module that imports what trials need; its ``prepare(words)`` rehearses the first.
        log: what the server itself has to say.
    """

    def __init__(self, program: str, preparation: str, log: Path) -> None:
        self._names = (program, preparation)
        self._log = log
        self._running: dict[int, Forked] = {}
        self._tickets = 0

    def __enter__(self) -> Self:
        """Start the server; it imports while the first trial is chosen."""
        self._connection, theirs = Pipe()
        self._log.parent.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "entreg.sweep.warm", str(theirs.fileno()), *self._names]
        before = signal.pthread_sigmask(signal.SIG_BLOCK, STOP_SIGNALS)  # Ctrl-C reaches the server, too: it ignores it
        try:
            with self._log.open("ab") as output:
                self._server = subprocess.Popen(
                    command,
                    env=trial_environment(Place()),
                    pass_fds=[theirs.fileno()],
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                )
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        theirs.close()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.kill()  # all trials have ended, and nothing else is lost with it
        self._server.wait()
        self._connection.close()

    def start(self, words: Sequence[str], place: Place, log: Path) -> Process:
        """Order it; it is forked as soon as the server is ready."""
        self._tickets += 1
        process = self._running[self._tickets] = Forked(self._tickets, self)
        self.say(Order(self._tickets, tuple(words), place, trial_environment(place), log.absolute()))
        return process

    def wait(self, seconds: float) -> None:
        """Listen to the server.

        Raises:
            RunError: if it has died.
        """
        try:
            if self._connection.poll(seconds):
                ticket, code = self._connection.recv()
                self._running.pop(ticket).returncode = code
        except (EOFError, ConnectionError) as error:
            raise self._lost() from error

    def say(self, what: Order | Signal) -> None:
        """Send something to the server.

        Raises:
            RunError: if it has died.
        """
        try:
            self._connection.send(what)
        except ConnectionError as error:
            raise self._lost() from error

    def _lost(self) -> RunError:
        return RunError(f"the process that starts the trials has died, see {self._log}; the same command goes on")


def forking_is_safe() -> bool:
    """Whether a process may go on as a fork of one that has imported PyTorch: on Linux, not on macOS or Windows."""
    return sys.platform == "linux"
