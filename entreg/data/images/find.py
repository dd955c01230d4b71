"""Picture files in a folder, without what systems leave beside them."""

from __future__ import annotations

import os
from pathlib import Path

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".pgm", ".bmp", ".gif", ".tif", ".tiff", ".webp")
_LEFT = ("__MACOSX", "@eaDir", "@tmp", "@Recycle", "#recycle")  # by macOS, Synology and QNAP


def find_pictures(folder: Path) -> list[Path]:
    """Return the files in a folder and below it that have a picture's suffix and are not hidden, in a fixed order.

    Links to folders are followed, to each folder once.
    """
    found: list[Path] = []
    seen: set[tuple[int, int]] = set()
    for place, folders, files in os.walk(folder, followlinks=True):
        status = os.stat(place)
        if (status.st_dev, status.st_ino) in seen:
            folders.clear()
            continue
        seen.add((status.st_dev, status.st_ino))
        folders[:] = [name for name in folders if not is_hidden(name)]
        found += [Path(place, name) for name in files if name.lower().endswith(SUFFIXES) and not is_hidden(name)]
    return sorted(found, key=lambda path: (str(path.parent), path.name))


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is what macOS, a network disk or a notebook has left beside a user's own.

    Example:
        >>> [is_hidden(name) for name in ("._a.png", ".DS_Store", "@eaDir", "__MACOSX", "a.png")]
        [True, True, True, True, False]
    """
    return name.startswith(".") or name in _LEFT
