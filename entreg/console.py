"""Lines on the terminal, from the first process of a training alone."""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence

from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from rich.text import Text

from entreg.text import shown


@rank_zero_only
def print_line(text: str) -> None:
    """Print one line as it is: no colours, no wrapping."""
    Console().print(Text(shown(text)), soft_wrap=True)


@rank_zero_only
def print_note(text: str) -> None:
    """Print a line that is no result: to standard error."""
    print(shown(text), file=sys.stderr)


def cell(text: object) -> Text:
    """Return a text as it is for the cell or the title of a table."""
    return Text(shown(str(text)))


def print_columns(rows: Sequence[Sequence[str]]) -> None:
    """Print rows whose cells stand below each other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def let_go_of_terminal() -> None:
    """Have what is printed from now on go nowhere: the terminal has been closed, and printing to it would fail."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        if not stat.S_ISREG(os.fstat(stream).st_mode):
            os.dup2(nowhere, stream)
    os.close(nowhere)
