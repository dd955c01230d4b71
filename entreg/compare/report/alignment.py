"""Numbers of a column below each other by their decimal point."""

from __future__ import annotations

import re
from collections.abc import Sequence

_NUMBER = re.compile(r"[<+-]?[\d,]+(?:\.(\d+))?")
_DIGIT, _POINT = "\u2007", "\u2008"  # spaces as wide as a digit and as a point


def aligned(cells: Sequence[str]) -> list[str]:
    """Pad a column of numbers to the same decimals with spaces of their width, where it is set flush right.

    A column that holds anything but numbers and ``-`` stays as it is.

    Example:
        >>> aligned(["0.05", "12"]) == ["0.05", "12\u2008\u2007\u2007"]
        True
    """
    found = [_NUMBER.fullmatch(cell) for cell in cells]
    if any(number is None and cell != "-" for number, cell in zip(found, cells, strict=True)):
        return list(cells)
    decimals = [len(number[1] or "") if number else 0 for number in found]
    most = max(decimals, default=0)
    return [
        cell + (_POINT if most and not n else "") + _DIGIT * (most - n) for cell, n in zip(cells, decimals, strict=True)
    ]
