"""Rows that are printed as they come, and all of them once more at the end."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager

from tests.benchmarks.timing import print_table


class Table:
    """What was measured, by part: a name, the numbers, and what they are to be compared with.

    Args:
        parts: those that were asked for.
    """

    def __init__(self, parts: Iterable[str]) -> None:
        self.parts = tuple(parts)
        self.rows: list[tuple[str, ...]] = []

    def add(self, part: str, name: str, value: str, bar: str = "") -> None:
        """Keep a row and print it."""
        self.rows.append((part, name, value, bar))
        print(f"{part:9} {name:58} {value:>34}  {bar}", file=sys.stderr, flush=True)

    @contextmanager
    def reporting(self, part: str, name: str) -> Iterator[None]:
        """Report what fails as a row, and go on: the next rows are worth having."""
        try:
            yield
        except Exception as error:
            traceback.print_exc()
            self.add(part, name, f"failed: {type(error).__name__}: {str(error)[:200]}")

    def print(self, header: Sequence[str] = ("part", "what", "seen", "bar")) -> None:
        """Print all rows."""
        print_table(header, self.rows)
