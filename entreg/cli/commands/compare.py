"""``entreg compare``: the comparison of finished runs on the command line."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

from entreg.cli.comparison import compare_runs
from entreg.cli.parser import CommandParser
from entreg.errors import ConfigError


def main(args: Sequence[str]) -> None:
    """Run ``entreg compare RUN... [options]``.

    Raises:
        ConfigError: on wrong usage.
        RunError: if there is nothing to compare, or the runs cannot be compared.
    """
    given = _parser().parse_args(list(args))
    margins: dict[str, float] = {}
    for key, number in map(_margin, given.margin):
        if key in margins:
            raise ConfigError(f"--margin: two of {key}, {margins[key]:g} and {number:g}; expected one")
        margins[key] = number
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
        plan=given.plan,
        metrics=given.metric,
        margins=margins,
        all_pairs=given.all_pairs,
        accuracies=given.accuracy,
        power=power,
        out=given.out,
        root=given.root,
        trust=given.trust,
    )


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="entreg compare",
        description="Compare finished runs: runs that differ in their seed only are one arm; arms are compared with a "
        "baseline, paired by seed, on the same test samples. Name the runs first, then the options.",
    )
    parser.add_argument("runs", nargs="+", metavar="RUN", help="run folders, for example runs/*")
    parser.add_argument(
        "--plan",
        type=Path,
        help="analysis plan: primary measures with margins, baseline, seeds an arm, alpha (default: plan.yaml beside "
        "the runs)",
    )
    parser.add_argument(
        "--baseline", help="arm to compare with: loss, name or hash (default: cross_entropy, if one arm is)"
    )
    parser.add_argument(
        "--metric", nargs="+", help="what the verdict is about: acc, nll, nll@T, nll-cal, smece, ... (default: acc)"
    )
    parser.add_argument(
        "--margin",
        nargs="+",
        default=[],
        metavar="METRIC=NUMBER",
        help="differences that do not matter, in the unit of the metric (default: acc=0.1)",
    )
    parser.add_argument(
        "--all-pairs", action="store_true", help="compare every arm with every other, corrected over all"
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
