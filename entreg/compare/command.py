"""``entreg compare``: the comparison of finished runs on the command line."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from entreg.commands import CommandParser
from entreg.compare.analysis import analyse
from entreg.compare.convergence import convergence
from entreg.compare.images import images_of
from entreg.compare.report import verdict_sentences, write_report
from entreg.compare.study import read_study
from entreg.compare.tables import Sheet, arms_sheet, convergence_sheet, power_sheet, verdicts_sheet


def main(args: Sequence[str]) -> None:
    """Run ``entreg compare RUN... [options]``.

    Raises:
        ConfigError: on wrong usage.
        RunError: if there is nothing to compare, or the runs cannot be compared.
    """
    parser = CommandParser(
        prog="entreg compare",
        description="Compare finished runs: runs that differ in their seed only are one arm; arms are compared with a "
        "baseline, paired by seed, on the same test images.",
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, for example runs/*")
    parser.add_argument("--baseline", help="arm to compare with: loss, name or hash (default: cross_entropy)")
    parser.add_argument(
        "--metric", nargs="+", default=["acc"], help="what the verdict is about: acc, nll, nll@T, ... (default: acc)"
    )
    parser.add_argument(
        "--margin", type=float, help="difference that does not matter (default: 0.1 points of accuracy)"
    )
    parser.add_argument("--accuracy", nargs="+", type=float, default=[], help="validation accuracies to be reached")
    parser.add_argument("--power", nargs="*", type=float, help="seeds needed to see these differences (0.1 0.2 0.5)")
    parser.add_argument("--out", type=Path, help="folder for the report: HTML, Markdown, LaTeX, CSV, JSON")
    parser.add_argument("--root", help="folder of the data, for the images in the report")
    given = parser.parse_args(list(args))
    study = read_study(given.runs)
    analysis = analyse(study, given.baseline, given.metric, given.margin)
    converged = convergence(study, given.accuracy)
    console = Console(width=None if Console().is_terminal else 160)
    for sheet in (arms_sheet(analysis), convergence_sheet(converged)):
        _print(console, sheet)
    if analysis.baseline is not None:
        _print(console, verdicts_sheet(analysis))
        if given.power is not None:
            _print(console, power_sheet(analysis, given.power or [0.1, 0.2, 0.5]))
    for line in (*verdict_sentences(analysis), *study.notes):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    if given.out is not None:
        index = write_report(given.out, analysis, converged, images_of(study, given.root))
        console.print(f"report: {index}", markup=False, highlight=False, soft_wrap=True)


def _print(console: Console, sheet: Sheet) -> None:
    if not sheet.rows:
        return
    table = Table(title=sheet.title, title_justify="left")
    for name in sheet.header:
        table.add_column(name, overflow="fold")
    for row in sheet.rows:
        table.add_row(*row)
    console.print(table)
