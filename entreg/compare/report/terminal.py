"""The tables of a comparison on the terminal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.report.comparison_tables import power_sheet, verdicts_sheet
from entreg.compare.report.refinement import refinement_sheet
from entreg.compare.report.sheet import Sheet
from entreg.compare.report.tables import arms_sheet, convergence_sheet, differences_sheet, ood_sheet
from entreg.console import cell, print_line


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
    """Print a table, if it has rows."""
    if not sheet.rows:
        return
    console = Console(width=None if Console().is_terminal else 160)
    table = Table(title=cell(sheet.title), title_justify="left")
    for name in sheet.header:
        table.add_column(cell(name), overflow="fold")
    for row in sheet.rows:
        table.add_row(*map(cell, row))
    console.print(table)
