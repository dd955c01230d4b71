"""Files are written whole or not at all, and never through a link."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import Any, BinaryIO

from entreg.errors import RunError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write to; it replaces ``target`` once it is safely on disk, or is removed.

    It is a new, empty file under a name that nobody foresees: two processes that write one target do not meet, and
    nothing that lies there already is written to. What a process that is killed leaves is found by :func:`leftovers`.

    Raises:
        RunError: if ``target`` cannot be written, or is a link, a folder, or anything else that is no file.
    """
    part = target.with_name(f".{secrets.token_hex(8)}.part{target.suffix}")
    try:
        check_target(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        part.touch(exist_ok=False)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise RunError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):  # the folder may not even exist
            part.unlink()


def write_json(target: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    with atomic_path(target) as part:
        part.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def sha256_of(file: BinaryIO, size: int) -> str:
    """SHA-256 of the first ``size`` bytes of an open file, in hex digits."""
    file.seek(0)
    digest = hashlib.sha256()
    while size > 0 and (block := file.read(min(size, 1 << 20))):
        digest.update(block)
        size -= len(block)
    return digest.hexdigest()


def leftovers(folder: Path) -> Iterator[Path]:
    """Files that :func:`atomic_path` was to replace others with, when the process was killed."""
    return (path for path in folder.glob(".*.part*") if is_leftover(path.name))


def is_leftover(name: str) -> bool:
    """Whether a file of that name is one of :func:`leftovers`."""
    token, _, rest = name.removeprefix(".").partition(".")
    return name.startswith(".") and len(token) == 16 and rest.partition(".")[0] == "part"


def check_target(target: Path) -> None:
    """Refuse to write a file where something else is; say so before the work whose result it is to hold.

    Raises:
        RunError: if ``target`` is a link, a folder, a pipe, a device; or cannot be looked at.
    """
    if (kind := _kind(target)) not in ("absent", "a file"):
        raise RunError(f"{target}: cannot be written, it is {kind}; name a file")


def check_own(folder: Path, inside: Iterable[str], but: tuple[str, ...] = ()) -> None:
    """Refuse a folder from which a name leads elsewhere, as one that a stranger has packed may.

    Args:
        folder: of a run or a sweep; may itself be a link, which its owner has made.
        inside: folders in it, which are looked into as well.
        but: how names begin that are not looked at.

    Raises:
        RunError: if anything in these folders is a link, a pipe or a device, or they cannot be read.
    """
    places = (folder, *(folder / name for name in inside))
    try:
        found = [path for place in places if place.is_dir() for path in place.iterdir()]
    except OSError as error:
        raise RunError(f"{folder}: cannot be read ({error.strerror})") from error
    for path in found:
        if (kind := _kind(path)) not in ("a file", "a folder", "absent") and not path.name.startswith(but):
            raise RunError(f"{path}: is {kind}; in its place belongs what is this folder's own")


def _kind(path: Path) -> str:
    """What lies at a path, in words; links are not followed."""
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return "absent"
    except OSError as error:
        raise RunError(f"{path}: cannot be looked at ({error.strerror})") from error
    if S_ISREG(mode):
        return "a file"
    if S_ISDIR(mode):
        return "a folder"
    return "a link" if S_ISLNK(mode) else "a pipe or a device"
