"""What was read from files, kept in memory by a process that others are forked from: they need not read it again."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
_kept: dict[Hashable, Any] = {}
_keeper: int | None = None  # process that keeps


def keep() -> None:
    """From now on, keep in this process what is read."""
    global _keeper
    _keeper = os.getpid()


def once(what: Hashable, files: Iterable[Path], read: Callable[[], T]) -> T:
    """Return what ``read`` makes of files, from memory where that was kept and the files have not changed since.

    The process that keeps hands out copies. A fork of it is given what was kept, whose pages it shares with the other
    forks until it writes to them. Any other process just reads.

    Args:
        what: is read and how; with the files it determines the value.
        files: that are read; one that is absent is left for ``read`` to complain of.
        read: reads them.
    """
    if _keeper is None:
        return read()
    key = (what, tuple(_state(path) for path in files))
    if os.getpid() != _keeper:
        return _kept.pop(key) if key in _kept else read()
    if key not in _kept:
        _kept[key] = read()
    return copy.deepcopy(_kept[key])


def _state(path: Path) -> tuple[str, int, int]:
    """Name, time of the last change and size."""
    if not path.is_file():
        return str(path.absolute()), 0, -1
    found = path.stat()
    return str(path.absolute()), found.st_mtime_ns, found.st_size
