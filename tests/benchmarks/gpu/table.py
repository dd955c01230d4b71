"""Rows that are printed as they come, and all of them once more at the end."""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from tests.benchmarks.timing import print_table


class Table:
    """What was measured, by part: a name, the numbers, and what they are to be compared with.

    Args:
        only: parts that were asked for, or ``part:text`` for those of their rows whose name holds the text.
    """

    def __init__(self, only: Iterable[str]) -> None:
        self.only = [asked.partition(":") for asked in only]
        self.rows: list[tuple[str, ...]] = []

    def wants(self, part: str, name: str | None = None) -> bool:
        """Whether a part, or a row of it, was asked for."""
        return any(asked == part and (name is None or text in name) for asked, _, text in self.only)

    def add(self, part: str, name: str, value: str, bar: str = "") -> None:
        """Keep a row and print it."""
        self.rows.append((part, name, value, bar))
        print(f"{part:9} {name:58} {value:>34}  {bar}", file=sys.stderr, flush=True)

    def measure(self, part: str, name: str, rows: Callable[[], None]) -> None:
        """Call what measures and adds rows, if they were asked for; report what fails, and go on."""
        if self.wants(part, name):
            with self.reporting(part, name):
                rows()

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
