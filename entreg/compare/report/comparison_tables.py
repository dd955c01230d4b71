"""Tables of what may be said of the arms against the baseline."""

from __future__ import annotations

from collections.abc import Sequence

from entreg.compare.analysis import Analysis
from entreg.compare.report.cells import number, p_value
from entreg.compare.report.sheet import Sheet
from entreg.compare.stats.comparison import Comparison
from entreg.compare.stats.power import seeds_needed


def verdict_sentences(analysis: Analysis) -> list[str]:
    """Say what the primary measures say, a sentence for each arm."""
    if analysis.baseline is None:
        return ["one arm only: nothing to compare it with"]
    sentences = []
    for key in analysis.primary:
        for label, comparison in analysis.comparisons[key].items():
            said = f"{label} against {analysis.baseline}, {analysis.measures[key].label}: {comparison.verdict}"
            if comparison.checkpoints is not None:
                said += f"; {comparison.checkpoints.describe(label, analysis.baseline)}"
            sentences.append(said)
    return sentences


def verdicts_sheet(analysis: Analysis) -> Sheet:
    """The primary measures: every arm against the baseline, in numbers and words."""
    return _comparisons_sheet(analysis, analysis.primary, f"Against {analysis.baseline}, paired by seed")


def secondary_sheet(analysis: Analysis) -> Sheet:
    """All other measures; who looks at many has many chances."""
    keys = [key for key in analysis.measures if key not in analysis.primary]
    return _comparisons_sheet(
        analysis, keys, f"Other measures against {analysis.baseline}: each is a chance of its own"
    )


def power_sheet(analysis: Analysis, differences: Sequence[float]) -> Sheet:
    """Seeds an arm that a study needs to see a difference with power 0.8, if the variance is as observed."""
    rows = []
    for key in analysis.primary:
        for label, comparison in analysis.comparisons[key].items():
            needed = [_seeds_needed(comparison, difference) for difference in differences]
            rows.append([label, analysis.measures[key].label, number(comparison.paired.sd, 3), *needed])
    header = ["arm", "measure", "sd of the paired difference", *(f"seeds to see {d:g}" for d in differences)]
    return Sheet("Seeds an arm needed, power 0.8, if the variance is as observed", header, rows)


def _comparisons_sheet(analysis: Analysis, keys: Sequence[str], title: str) -> Sheet:
    rows = [
        [label, analysis.measures[key].label, *_comparison_cells(comparison, analysis.measures[key].digits)]
        for key in keys
        for label, comparison in analysis.comparisons[key].items()
    ]
    return Sheet(title, ["arm", "measure", "pairs", "difference", "95 % interval", "p (Holm)", "verdict"], rows)


def _comparison_cells(comparison: Comparison, digits: int) -> list[str]:
    interval = comparison.interval
    return [
        str(comparison.n),
        "-" if comparison.difference is None else f"{comparison.difference:+.{digits}f}",
        "-" if interval is None else f"{interval.low:+.{digits}f} to {interval.high:+.{digits}f}",
        p_value(comparison.p_holm),
        comparison.verdict,
    ]


def _seeds_needed(comparison: Comparison, difference: float) -> str:
    if not comparison.paired.sd:
        return "-"
    image_variance = (comparison.hierarchical.image_variance if comparison.hierarchical else None) or 0.0
    alpha = comparison.alpha / max(comparison.arms, 1)
    needed = seeds_needed(difference, comparison.paired.sd, image_variance, alpha)
    return "too few images" if needed is None else str(needed)
