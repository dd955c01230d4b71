"""``entreg compare``: the comparison of finished runs on the command line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from entreg.cli.parser import CommandParser
from entreg.compare.analysis import analyse
from entreg.compare.convergence import convergence
from entreg.compare.report.pictures import images_of
from entreg.compare.report.tables import (
    Sheet,
    arms_sheet,
    convergence_sheet,
    differences_sheet,
    ood_sheet,
    power_sheet,
    verdicts_sheet,
)
from entreg.compare.report.write import verdict_sentences, write_report
from entreg.compare.study import read_study
from entreg.errors import ConfigError


def main(args: Sequence[str]) -> None:
    """Run ``entreg compare RUN... [options]``.

    Raises:
        ConfigError: on wrong usage.
        RunError: if there is nothing to compare, or the runs cannot be compared.
    """
    parser = CommandParser(
        prog="entreg compare",
        description="Compare finished runs: runs that differ in their seed only are one arm; arms are compared with a "
        "baseline, paired by seed, on the same test images. Name the runs first, then the options.",
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, for example runs/*")
    parser.add_argument(
        "--baseline", help="arm to compare with: loss, name or hash (default: cross_entropy, if one arm is)"
    )
    parser.add_argument(
        "--metric", nargs="+", default=["acc"], help="what the verdict is about: acc, nll, nll@T, ... (default: acc)"
    )
    parser.add_argument(
        "--margin",
        nargs="+",
        default=[],
        metavar="METRIC=NUMBER",
        help="differences that do not matter, in the unit of the metric (default: acc=0.1)",
    )
    parser.add_argument("--accuracy", nargs="+", type=float, default=[], help="validation accuracies to be reached")
    parser.add_argument("--power", nargs="*", type=float, help="seeds needed to see these differences (0.1 0.2 0.5)")
    parser.add_argument("--out", type=Path, help="folder for the report: HTML, Markdown, LaTeX, CSV, JSON")
    parser.add_argument("--root", help="folder of the data, for the images in the report")
    given = parser.parse_args(list(args))
    margins = dict(_margin(word) for word in given.margin)
    for accuracy in given.accuracy:
        if not 0 < accuracy < 1:
            raise ConfigError(f"--accuracy {accuracy:g}: expected a share in (0, 1), such as 0.95")
    for difference in given.power or ():
        if not 0 < difference < math.inf:
            raise ConfigError(f"--power {difference:g}: expected differences > 0, in the unit of the metric")
    study = read_study(given.runs)
    analysis = analyse(study, given.baseline, given.metric, margins)
    converged = convergence(study, given.accuracy)
    console = Console(width=None if Console().is_terminal else 160)
    for sheet in (arms_sheet(analysis), ood_sheet(analysis), convergence_sheet(converged), differences_sheet(analysis)):
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


def _margin(word: str) -> tuple[str, float]:
    key, _, text = word.rpartition("=")
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not key or not 0 < number < math.inf:
        raise ConfigError(f"--margin {word}: expected METRIC=NUMBER with a number > 0, such as acc=0.1")
    return key, number


def _print(console: Console, sheet: Sheet) -> None:
    if not sheet.rows:
        return
    table = Table(title=sheet.title, title_justify="left")
    for name in sheet.header:
        table.add_column(name, overflow="fold")
    for row in sheet.rows:
        table.add_row(*row)
    console.print(table)
