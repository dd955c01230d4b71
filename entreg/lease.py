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

RENEWED_EVERY = 10.0  # seconds
EXPIRES_AFTER = 60.0  # seconds without a renewal, by the clock of whoever waits: clocks of two machines differ


class Holder(NamedTuple):
    """Who holds a lease.

    Attributes:
        token: secret of the holder, by which it knows its own lease.
        host: name of its machine, for people.
        machine: what its process id means something in: this boot of this machine, this container.
        pid: its process id.
    """

    token: str
    host: str
    machine: str
    pid: int


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
        self.lost = False
        self._lock = path.with_name(f".{path.name}.lock")
        self._watch = watch or Watch()
        self._token = secrets.token_hex(8)
        self._released = Event()

    def __enter__(self) -> Lease:
        self._take()
        self._released.clear()
        Thread(target=self._renew, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._released.set()
        if self.is_mine():
            self.path.unlink()

    def is_mine(self) -> bool:
        """Whether nobody has taken it over."""
        holder = holder_of(self.path)
        return holder is not None and holder.token == self._token

    def check(self) -> None:
        """Raise :class:`Interrupted` if another process has taken over, as after this one was suspended for long."""
        if self.lost:
            raise Interrupted(f"{self.path.parent}: another process goes on with this, as this one had stood still")

    def _take(self) -> None:
        part = self.path.with_suffix(".part")
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._wait_and_write(part)
        except OSError as error:
            with suppress(OSError):  # leave the folder as it was
                part.unlink(missing_ok=True)
                self._lock.unlink(missing_ok=True)
                self.path.parent.rmdir()
            raise RunError(f"{self.path}: cannot be written ({error.strerror})") from error

    def _wait_and_write(self, part: Path) -> None:
        deadline = time.monotonic() + EXPIRES_AFTER + RENEWED_EVERY
        while True:
            with FileLock(self._lock):
                holder = holder_of(self.path)
                if holder is None or self._watch.is_stale(self.path):
                    mine = Holder(self._token, socket.gethostname(), _machine(), os.getpid())
                    part.write_text(json.dumps(mine._asdict()))
                    part.replace(self.path)
                    return
            if holder.machine == _machine() or time.monotonic() > deadline or self._watch.has_renewed(self.path):
                raise Interrupted(
                    f"{self.path.parent}: process {holder.pid} on {holder.host} is at it; wait for it, or stop it"
                )
            time.sleep(0.5)

    def _renew(self) -> None:
        while not self._released.wait(RENEWED_EVERY):
            if not self.is_mine():
                self.lost = not self._released.is_set()
                return
            with suppress(FileNotFoundError):  # released meanwhile
                os.utime(self.path)


class Watch:
    """Tells which leases are stale: their process is dead, or they were not renewed while this watch looked on."""

    def __init__(self) -> None:
        self._seen: dict[Path, tuple[float, float]] = {}
        self._renewed: set[Path] = set()

    def has_renewed(self, path: Path) -> bool:
        """Whether a lease of another machine was renewed while this watch looked on."""
        return path in self._renewed

    def is_stale(self, path: Path) -> bool:
        """Whether nobody is behind the lease; one that is not there is stale."""
        holder = holder_of(path)
        try:
            renewal = path.stat().st_mtime
        except FileNotFoundError:
            return True
        if holder is None:
            return True
        if holder.machine == _machine():
            return not _is_running(holder.pid) or time.time() - renewal > EXPIRES_AFTER
        now = time.monotonic()
        seen, since = self._seen.setdefault(path, (renewal, now))
        if renewal != seen:
            self._seen[path] = (renewal, now)
            self._renewed.add(path)
            return False
        return now - since > EXPIRES_AFTER


def holder_of(path: Path) -> Holder | None:
    """Read who holds a lease; ``None`` if nobody does."""
    try:
        return Holder(**json.loads(path.read_text()))
    except FileNotFoundError:
        return None


def _machine() -> str:
    identity = [socket.gethostname()]
    for name in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        with suppress(OSError):  # not Linux
            identity.append(os.readlink(name) if "ns" in name.split("/") else Path(name).read_text().strip())
    return " ".join(identity)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # somebody else's
        return True
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:  # not Linux, or gone meanwhile
        return True
    return state != "Z"  # a zombie is dead, only not yet buried
