"""Options on the command line, before any parser has read it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise


def values(options: Sequence[str], name: str) -> list[tuple[int, str]]:
    """Where the values of an option stand, given as ``--name value`` or ``--name=value``, and what they are.

    Example:
        >>> values(["--run=a", "--id", "7", "--run", "b"], "--run")
        [(0, 'a'), (4, 'b')]
    """
    found = [(i, word.split("=", 1)[1]) for i, word in enumerate(options) if word.startswith(f"{name}=")]
    return found + [(i + 1, value) for i, (word, value) in enumerate(pairwise(options)) if word == name]
