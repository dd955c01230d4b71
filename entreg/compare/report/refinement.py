"""Is anything but temperature left? NLL and Brier, split into what a temperature mends and what it does not."""

from __future__ import annotations

from entreg.compare.analysis import Analysis
from entreg.compare.measures import REFINED
from entreg.compare.report.cells import difference_text, estimate_text, interval_text
from entreg.compare.report.sheet import Sheet

_TITLE = (
    "Is anything but temperature left? Refinement is the loss at T, calibration what T takes away; intervals of "
    "differences are adjusted as in the other tables"
)


def refinement_sheet(analysis: Analysis) -> Sheet:
    """Refinement and calibration of every arm, and how far from the baseline's; no row where T is undetermined."""
    against = "from the baseline" if analysis.baseline is None else f"from {analysis.baseline}"
    rows = [
        [
            label,
            analysis.measures[key].name,
            *(_estimate(analysis, part, label) for part in _parts(key)),
            *(_difference(analysis, part, label) for part in _parts(key)),
        ]
        for key in REFINED
        if f"{key}-cal" in analysis.measures
        for label in analysis.study.arms
    ]
    header = ["arm", "loss", "refinement", "calibration", f"refinement {against}", f"calibration {against}"]
    return Sheet(_TITLE, header, rows, "what the others are compared with")


def _parts(key: str) -> tuple[str, str]:
    return f"{key}@T", f"{key}-cal"


def _estimate(analysis: Analysis, key: str, label: str) -> str:
    return estimate_text(analysis.estimates[key][label], analysis.measures[key].digits)


def _difference(analysis: Analysis, key: str, label: str) -> str:
    comparison, measure = analysis.comparisons[key].get(label), analysis.measures[key]
    if comparison is None:
        return "-"
    return f"{difference_text(comparison, measure)} ({interval_text(comparison, measure)})"
