"""The tables of a comparison on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.report.comparison_tables import power_sheet, verdicts_sheet
from entreg.compare.report.refinement import refinement_sheet
from entreg.compare.report.sheet import Sheet
from entreg.compare.report.tables import arms_sheet, convergence_sheet, differences_sheet, ood_sheet
from entreg.console import cell, print_line

_PLAIN_WIDTH = 160  # of what is no terminal
_FRAME = 3  # between two columns
_WIDEST = 60  # column that is not broken


def print_tables(
    analysis: Analysis, converged: Mapping[str, Sequence[Convergence]], power: Sequence[float] | None = None
) -> None:
    """Print what the arms differ in besides the loss, then the tables.

    Args:
        analysis: the comparison.
        converged: convergence of the runs by arm.
        power: differences of which the number of seeds is printed that it takes to see them.
    """
    sheets = [arms_sheet(analysis), refinement_sheet(analysis), ood_sheet(analysis)]
    sheets += [convergence_sheet(converged), differences_sheet(analysis)]
    if analysis.baseline is not None:
        sheets.append(verdicts_sheet(analysis))
        if power is not None:
            sheets.append(power_sheet(analysis, power))
    if analysis.study.premise:
        print_line(analysis.study.premise)
    for sheet in sheets:
        print_sheet(sheet)


def print_sheet(sheet: Sheet) -> None:
    """Print a table, if it has rows; one that is too wide in parts, each of which begins with what names the rows."""
    if not sheet.rows:
        return
    console = Console(width=None if Console().is_terminal else _PLAIN_WIDTH)
    title, names = sheet.title, _names(sheet)
    for columns in _parts(sheet, console.width):
        table = Table(title=cell(title), title_justify="left")
        for k in columns:  # the names of the rows alone may be broken, where they leave too little
            width = None if k < names else _width(sheet, k)
            table.add_column(cell(sheet.header[k]), width=width, overflow="fold")
        for row in sheet.rows:
            table.add_row(*(cell(row[k]) for k in columns))
        console.print(table)
        title = ""


def _names(sheet: Sheet) -> int:
    """Number of columns that tell the rows apart."""
    columns = range(1, len(sheet.header))
    return next((k for k in columns if len({tuple(row[:k]) for row in sheet.rows}) == len(sheet.rows)), 1)


def _parts(sheet: Sheet, width: int) -> list[list[int]]:
    """Deal the columns out to tables of at most a width; what names the rows takes half of it at most."""
    names = _names(sheet)
    used = min(width // 2, sum(_width(sheet, k) + _FRAME for k in range(names)))
    parts, room = [list(range(names))], width - used - 1
    left = room
    for k in range(names, len(sheet.header)):
        needed = _width(sheet, k) + _FRAME
        if needed > left and len(parts[-1]) > names:
            parts.append(list(range(names)))
            left = room
        parts[-1].append(k)
        left -= needed
    return parts


def _width(sheet: Sheet, k: int) -> int:
    """Width of a column in which no cell and no word of the header is broken, but for the longest."""
    return min(_WIDEST, max(cell_len(word) for word in (*sheet.header[k].split(), *(row[k] for row in sheet.rows))))
