"""Is anything but temperature left? NLL and Brier, split into what a temperature mends and what it does not."""

from __future__ import annotations

from entreg.compare.analysis import Analysis
from entreg.compare.measures import REFINED
from entreg.compare.report.cells import difference_text, estimate_text, interval_text
from entreg.compare.report.sheet import Sheet

_TITLE = (
    "Refinement is the loss at T, calibration what T takes away; intervals of differences are adjusted as in the other "
    "tables"
)
_PARTS = ("refinement", "calibration")


def refinement_sheet(analysis: Analysis) -> Sheet:
    """Refinement and calibration of every arm, and how far from the baseline's; no row where T is undetermined."""
    against = [] if analysis.baseline is None else [f"{part} from {analysis.baseline}" for part in _PARTS]
    rows = [
        [
            label,
            analysis.measures[key].name,
            *(_estimate(analysis, part, label) for part in _parts(key)),
            *(_difference(analysis, part, label) for part in _parts(key) if against),
        ]
        for key in REFINED
        if f"{key}-cal" in analysis.measures
        for label in analysis.study.arms
    ]
    return Sheet(
        _TITLE, ["arm", "loss", *_PARTS, *against], rows, "what the others are compared with" if against else ""
    )


def _parts(key: str) -> tuple[str, str]:
    return f"{key}@T", f"{key}-cal"


def _estimate(analysis: Analysis, key: str, label: str) -> str:
    return estimate_text(analysis.estimates[key][label], analysis.measures[key].digits)


def _difference(analysis: Analysis, key: str, label: str) -> str:
    comparison, measure = analysis.comparisons[key].get(label), analysis.measures[key]
    if comparison is None:
        return "-"
    return f"{difference_text(comparison, measure)} ({interval_text(comparison, measure)})"
