"""Paths as a report names them: none says where on a machine it was made."""

from __future__ import annotations

import os
import re
from pathlib import Path

_ABSOLUTE = re.compile(r"(?<![^\s('\"])/[^\s:;,()'\"]+")


def relative(path: Path, out: Path) -> str:
    """Return a path as seen from the folder of the report."""
    return Path(os.path.relpath(path, out)).as_posix()


def without_absolute(text: str, out: Path) -> str:
    """Return a text whose absolute paths are as seen from the folder of the report.

    Example:
        >>> without_absolute("left out: /a/runs/x: no run, and/or 1 / 2", Path("/a/report"))
        'left out: ../runs/x: no run, and/or 1 / 2'
    """
    return _ABSOLUTE.sub(lambda found: relative(Path(found[0]), out), text)
