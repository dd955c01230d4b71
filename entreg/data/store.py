"""Files of a data root: one process at a time prepares them, and a download appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from filelock import FileLock

from entreg.console import print_line
from entreg.errors import DataError

_PARTIAL = ".partial-"


@contextmanager
def locked(root: Path, name: str) -> Iterator[None]:
    """Hold the root's lock of data set ``name``; another process that prepares it waits.

    Raises:
        DataError: if nothing can be written there.
    """
    try:
        root.mkdir(parents=True, exist_ok=True)
        held = FileLock(root / f".{name}.lock").acquire()
    except OSError as error:
        raise DataError(
            f"{root}: cannot be written ({error.strerror}), name another folder with --data.root or ENTREG_DATA"
        ) from error
    with held:
        yield


def is_writable(folder: Path) -> bool:
    """Whether files may be put into a folder, or it made; one without a right to write is left alone, by root too."""
    there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
    return there.is_dir() and os.access(there, os.W_OK) and bool(there.stat().st_mode & 0o222)


@contextmanager
def staged(root: Path, name: str) -> Iterator[Path]:
    """Yield an empty folder below ``root`` to download to; the files in it are moved to ``root`` at the end.

    What an interrupted download has left is discarded first. Call it under :func:`locked`.
    """
    for leftover in root.glob(f"{_PARTIAL}{name}-*"):
        shutil.rmtree(leftover)
    stage = Path(tempfile.mkdtemp(prefix=f"{_PARTIAL}{name}-", dir=root))
    try:
        yield stage
        for path in sorted(path for path in stage.rglob("*") if path.is_file()):
            place = root / path.relative_to(stage)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, place)
    finally:
        shutil.rmtree(stage)


def fetch(
    root: Path,
    name: str,
    *,
    missing: Callable[[], Sequence[Path]],
    download: Callable[[Path], None],
    by_hand: str,
) -> None:
    """Download what is missing, once for all processes that ask at the same time.

    Args:
        root: folder of the data.
        name: name of the data set.
        missing: says which files are absent.
        download: downloads them below the folder it is given.
        by_hand: how a person can put the files there, for the error.

    Raises:
        DataError: if that fails.
    """
    if not missing():
        return
    with locked(root, name):
        absent = missing()
        if not absent:  # another process has fetched them meanwhile
            return
        print_line(f"{name}: downloading into {root}")
        try:
            with staged(root, name) as stage, redirect_stdout(sys.stderr):
                download(stage)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"{absent[0]} is {'damaged' if absent[0].exists() else 'absent'} and could not be downloaded "
                f"({' '.join(str(error).split())}): {by_hand}, or name their root with "
                "--data.root or ENTREG_DATA, or run on embedded data: entreg fit --config configs/quickstart.yaml"
            ) from error
