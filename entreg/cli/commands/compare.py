"""``entreg compare``: the comparison of finished runs on the command line."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from entreg.cli.parser import CommandParser
from entreg.compare import analyse, convergence_of, read_study
from entreg.compare.report import (
    Sheet,
    arms_sheet,
    convergence_sheet,
    differences_sheet,
    ood_sheet,
    pictures_of,
    power_sheet,
    verdict_sentences,
    verdicts_sheet,
    write_report,
)
from entreg.console import cell, print_line
from entreg.errors import ConfigError


def main(args: Sequence[str]) -> None:
    """Run ``entreg compare RUN... [options]``.

    Raises:
        ConfigError: on wrong usage.
        RunError: if there is nothing to compare, or the runs cannot be compared.
    """
    given = _parser().parse_args(list(args))
    margins = dict(_margin(word) for word in given.margin)
    for accuracy in given.accuracy:
        if not 0 < accuracy < 1:
            raise ConfigError(f"--accuracy {accuracy:g}: expected a share in (0, 1), such as 0.95")
    for difference in given.power or ():
        if not 0 < difference < math.inf:
            raise ConfigError(f"--power {difference:g}: expected differences > 0, in the unit of the metric")
    power = given.power
    if power == []:  # --power alone
        power = [0.1, 0.2, 0.5]
    compare_runs(
        given.runs,
        baseline=given.baseline,
        metrics=given.metric,
        margins=margins,
        accuracies=given.accuracy,
        power=power,
        out=given.out,
        root=given.root,
        trust=given.trust,
    )


def compare_runs(
    runs: Sequence[str | Path],
    *,
    baseline: str | None = None,
    metrics: Sequence[str] = ("acc",),
    margins: Mapping[str, float] | None = None,
    accuracies: Sequence[float] = (),
    power: Sequence[float] | None = None,
    out: Path | None = None,
    root: str | None = None,
    trust: bool = False,
) -> None:
    """Compare runs, print tables and verdicts, and write the report.

    Args:
        runs: run folders.
        baseline: see :func:`entreg.compare.analyse`, as ``metrics`` and ``margins``.
        metrics: what the verdict is about.
        margins: differences that do not matter.
        accuracies: see :func:`entreg.compare.convergence_of`.
        power: differences of which the number of seeds is printed that it takes to see them.
        out: folder of the report; ``None``: none is written.
        root: folder of the data, for the pictures in the report.
        trust: see :func:`entreg.compare.report.pictures_of`.

    Raises:
        ConfigError: if a metric is unknown, or ``out`` is no folder.
        RunError: if there is nothing to compare, or the runs cannot be compared.
    """
    if out is not None and out.exists() and not out.is_dir():
        raise ConfigError(f"--out {out}: is no folder, and the report is one; name a folder")
    study = read_study(runs)
    analysis = analyse(study, baseline, metrics, margins)
    converged = convergence_of(study, accuracies)
    sheets = [arms_sheet(analysis), ood_sheet(analysis), convergence_sheet(converged), differences_sheet(analysis)]
    if analysis.baseline is not None:
        sheets.append(verdicts_sheet(analysis))
        if power is not None:
            sheets.append(power_sheet(analysis, power))
    console = Console(width=None if Console().is_terminal else 160)
    if study.premise:
        print_line(study.premise)
    for sheet in sheets:
        _print(console, sheet)
    for line in (*verdict_sentences(analysis), *study.notes):
        print_line(line)
    if out is not None:
        try:
            pictures = pictures_of(study, root, trust)
        except ConfigError as error:
            print_line(f"no images in the report: {error}")
            pictures = None
        index = write_report(out, analysis, converged, pictures)
        print_line(f"report: {index}")


def _parser() -> CommandParser:
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
    parser.add_argument("--trust", action="store_true", help="let a run's config name any class of data, which is run")
    return parser


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
    table = Table(title=cell(sheet.title), title_justify="left")
    for name in sheet.header:
        table.add_column(cell(name), overflow="fold")
    for row in sheet.rows:
        table.add_row(*map(cell, row))
    console.print(table)
