"""Where a study is kept: a journal file in the sweep's folder, or a database; and the lock of the folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote_plus

from filelock import BaseFileLock, FileLock
from optuna.storages import BaseStorage, JournalStorage, get_storage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from typing_extensions import override

from entreg.errors import ConfigError, RunError
from entreg.files import check_own

_JOURNAL = "study.log"

if TYPE_CHECKING:
    from sqlalchemy.engine import URL

_HIDDEN = "***"


def folder_lock(folder: Path) -> BaseFileLock:
    """Make the folder of a sweep and return the lock in it, once it is certain that both can be written.

    Raises:
        RunError: if they cannot, or something in the folder leads elsewhere.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        check_own(folder, inside=("claims", "logs", "report"), but=(f"{_JOURNAL}.lock",))  # Optuna's lock is a link
        lock = FileLock(folder / ".lock")
        with lock:
            pass
    except OSError as error:
        raise RunError(f"{folder}: cannot be written ({error.strerror}), choose another --folder") from error
    return lock


def open_storage(url: str | None, folder: Path) -> BaseStorage:
    """Open the database of a study, or the journal file in the sweep's folder.

    What is said of a database hides its password and the values of its options, any of which may be one.

    Raises:
        ConfigError: if the database cannot be used.
        RunError: if the journal cannot be read.
    """
    if url is None:
        return _journal(folder / _JOURNAL)
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError

    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:  # the latter of a port that is no number
        raise ConfigError("--storage: expected a URL such as postgresql+psycopg://user@host:5432/name") from error
    options = f"?{_HIDDEN}" if parsed.query else ""
    shown = parsed.set(query={}).render_as_string(hide_password=True) + options
    try:
        return get_storage(url)
    except Exception as error:  # of a driver that is missing, or of the driver itself
        reason = _without_secrets(str(error).replace(url, shown).splitlines()[0], parsed)
        raise ConfigError(f"--storage {shown}: cannot be used ({reason})") from error


def _without_secrets(text: str, url: URL) -> str:
    """Hide the password of a URL and the values of its options in what a driver says, escaped or not."""
    options = [value for values in url.normalized_query.values() for value in values]
    secrets = {form for secret in (url.password, *options) if secret for form in (str(secret), quote_plus(str(secret)))}
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, _HIDDEN)
    return text


class _Lock(JournalFileOpenLock):
    """Lock of a journal; whoever gets it cuts off the half of a line that a full disk or a killed worker has left.

    Otherwise the next line would be written on behind it. One that a dead worker has left is broken after 30 s.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(str(path))
        self.path = path

    @override
    def acquire(self) -> bool:
        acquired = super().acquire()
        try:
            self._cut()
        except BaseException:
            self.release()
            raise
        return acquired

    def _cut(self) -> None:
        if not self.path.is_file():
            return
        with self.path.open("rb+") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            if file.read() in (b"", b"\n"):
                return
            file.seek(0)
            content = file.read()
            end = content.rfind(b"\n") + 1
            if content[end:].startswith(b"{"):  # else it is no journal
                file.truncate(end)


def _journal(path: Path) -> JournalStorage:
    lock = _Lock(path)
    lock.acquire()
    lock.release()
    try:
        return JournalStorage(JournalFileBackend(str(path), lock))
    except Exception as error:  # a file of anything else makes Optuna raise almost anything
        raise RunError(f"{path}: is not the journal of a sweep ({type(error).__name__}: {error})") from error
