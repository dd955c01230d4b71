"""A lease marks a run folder as being worked on: a file that its holder keeps renewing, so that its age tells."""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from contextlib import suppress
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import NamedTuple

from filelock import FileLock

from entreg.errors import Interrupted, RunError
from entreg.files import atomic_path

RENEWED_EVERY = 10.0  # seconds
EXPIRES_AFTER = 60.0  # seconds without a renewal, counted by whoever waits, as the clocks of two machines differ
_MOST_PROCESSES = 2**31  # their ids are numbers of 32 bits


class Holder(NamedTuple):
    """Who holds a lease.

    Attributes:
        token: secret of the holder, by which it knows its own lease.
        host: name of its machine, for people.
        machine: what its process id means something in: this boot of this machine, this container.
        pid: its process id.
        started: when the process started, as the system counts; an id may be given to another process later.
    """

    token: str
    host: str
    machine: str
    pid: int
    started: str


class Lease:
    """Right to work on something, for one process at a time, on any number of machines that share a folder.

    Args:
        path: file of the lease.
        watch: what has looked on for how long already; default: nothing yet.

    Raises:
        Interrupted: on entering, if a living process holds the lease.
        RunError: on entering, if the file cannot be written.
    """

    def __init__(self, path: Path, watch: Watch | None = None) -> None:
        self.path = path
        self._lock = path.with_name(f".{path.name}.lock")
        self._watch = watch or Watch()
        self._token = secrets.token_hex(8)
        self._released = Event()
        self._lost = self._held = False

    def __enter__(self) -> Lease:
        self._take()
        self._released.clear()
        self._held = True
        Thread(target=self._renew, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._released.set()
        self._held = False
        with suppress(OSError):  # a lease that stays is stale as soon as this process has ended
            if self._is_mine():
                with FileLock(self._lock, timeout=RENEWED_EVERY):
                    if self._is_mine():
                        self.path.unlink()

    def check(self) -> None:
        """See that this is still ours to work on.

        Raises:
            Interrupted: if another process has taken over, as after this one was suspended for long.
            RunError: if the folder was deleted or renamed.
        """
        if self._held and not self.path.parent.is_dir():
            raise RunError(f"{self.path.parent}: was deleted or renamed while it was worked on")
        try:
            lost = self._held and (self._lost or not self._is_mine())
        except OSError:  # a server that is away for a moment: the thread that renews looks again, until it is too long
            return
        if lost:
            raise Interrupted(f"{self.path.parent}: another process goes on with this, as this one had stood still")

    def _is_mine(self) -> bool:
        holder = holder_of(self.path)
        return holder is not None and holder.token == self._token

    def _take(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._wait_and_write()
        except (OSError, RunError) as error:
            with suppress(OSError):  # leave the folder as it was
                self._lock.unlink(missing_ok=True)
                self.path.parent.rmdir()
            reason = error.strerror if isinstance(error, OSError) else error
            raise RunError(f"{self.path}: cannot be written ({reason})") from error

    def _wait_and_write(self) -> None:
        while True:
            with FileLock(self._lock):
                holder = holder_of(self.path)
                if holder is None or self._watch.is_stale(self.path):
                    with atomic_path(self.path) as part:
                        part.write_text(json.dumps(_this_process(self._token)._asdict()))
                    return
            if _runs(holder) or self._watch.has_renewed(self.path):
                raise Interrupted(
                    f"{self.path.parent}: process {holder.pid} on {holder.host} is at it; wait for it, or stop it"
                )
            time.sleep(0.5)

    def _renew(self) -> None:
        renewed = time.monotonic()
        while not self._released.wait(RENEWED_EVERY):
            try:
                if not self._is_mine():
                    self._lost = not self._released.is_set()
                    return
                os.utime(self.path)
                renewed = time.monotonic()
            except OSError:  # no answer from the file server: after EXPIRES_AFTER others take this lease for stale
                self._lost = time.monotonic() - renewed > EXPIRES_AFTER


class Watch:
    """Tells which leases are stale: their process is dead, or they were not renewed while this watch looked on."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[float, float]] = {}
        self._renewed: set[Path] = set()

    def has_renewed(self, path: Path) -> bool:
        """Whether a lease, of which only that can tell, was renewed while this watch looked on."""
        return path in self._renewed

    def is_stale(self, path: Path) -> bool:
        """Whether nobody is behind the lease; one that is not there is stale."""
        holder = holder_of(path)
        if holder is None:
            return True
        if (runs := _runs(holder)) is not None:
            return not runs
        try:
            renewal = path.stat().st_mtime
        except FileNotFoundError:
            return True
        now = time.monotonic()
        seen, since = self._seen.setdefault(path, (renewal, now))
        if renewal != seen:
            self._seen[path] = (renewal, now)
            self._renewed.add(path)
            return False
        return now - since > EXPIRES_AFTER


def holder_of(path: Path) -> Holder | None:
    """Read who holds a lease; ``None`` if nobody does, or nobody whom a file that is damaged still names."""
    try:
        holder = Holder(**json.loads(path.read_text(encoding="utf-8")))
    except (FileNotFoundError, ValueError, TypeError, RecursionError):
        return None
    return holder if isinstance(holder.pid, int) and 0 < holder.pid < _MOST_PROCESSES else None


def _this_process(token: str) -> Holder:
    return Holder(token, socket.gethostname(), _machine(), os.getpid(), _start_of(os.getpid()) or "")


def _machine() -> str:
    identity = [socket.gethostname()]
    with suppress(OSError):  # not Linux
        identity.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="utf-8").strip())
        identity.append(os.readlink("/proc/self/ns/pid"))
    return " ".join(identity)


def _runs(holder: Holder) -> bool | None:
    """Whether the process that holds a lease runs; ``None`` if that cannot be told, as of one on another machine."""
    if holder.machine != _machine():
        return None
    started = _start_of(holder.pid)
    if started == "" and holder.started:  # another user's, which the system hides
        return None
    return started == holder.started


def _start_of(pid: int) -> str | None:
    """When a process started, in the system's words, empty if it says nothing; ``None`` if it does not run.

    A zombie is dead.
    """
    is_foreign = False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return None
    except PermissionError:  # another user's process, so it exists
        is_foreign = True
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except PermissionError:
        return ""
    except FileNotFoundError:  # hidden, or this is not Linux; else it has just ended
        return "" if is_foreign or not Path("/proc/self/stat").exists() else None
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[19]
