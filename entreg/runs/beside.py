"""Run folders that lie beside each other, and which of them somebody may have meant."""

from __future__ import annotations

import difflib
import os
from pathlib import Path

_MOST = 3  # that are offered
_USUAL = "runs"  # where entreg fit makes them


def is_run(folder: Path) -> bool:
    """Whether training has begun in a folder."""
    return os.path.isfile(folder / "config.yaml")  # of a folder that nobody may look into: no


def run_folders(folder: Path) -> list[Path]:
    """Return the runs in a folder in the order of their names; what else lies there is passed over."""
    return [path for path in sorted(folder.glob("*")) if is_run(path)]


def near(path: Path) -> str:
    """Say which runs somebody may have meant who named none.

    Those that a folder holds; of what is not there, those called alike beside it or in ``runs``.

    Returns:
        the end of a message, empty where nothing is near.
    """
    if path.exists():
        meant = run_folders(path)
    else:
        beside = {found.name: found for place in (path.parent / _USUAL, path.parent) for found in run_folders(place)}
        names = [name for name in beside if path.name in name] or difflib.get_close_matches(path.name, beside)
        meant = [beside[name] for name in names]
    return f"; did you mean {', '.join(map(str, meant[:_MOST]))}?" if meant else ""
