"""What stands on the page of a report, in which order."""

from __future__ import annotations

from collections.abc import Mapping

from entreg.compare.analysis import Analysis
from entreg.compare.report import plots
from entreg.compare.report.comparison_tables import WORDS, standing, verdicts
from entreg.compare.report.glossary import glossary
from entreg.compare.report.html import Page, table, verdict
from entreg.compare.report.sheet import Sheet
from entreg.text import for_html

_READ = "Left and right of the line at 0: lower and higher than the baseline. Between dotted lines: does not matter."
_FAMILIES = "Intervals of the primary measures, which decide, are adjusted together, and so are those of all others."

_HEADS = {outcome: words.capitalize() for outcome, words in WORDS.items()} | {"undecided": "Undecided"}


def contents(analysis: Analysis, sheets: Mapping[str, Sheet], figures: Mapping[str, str]) -> Page:
    """Return the page of a comparison: verdicts first, a glossary last.

    Args:
        analysis: the comparison.
        sheets: its tables by name.
        figures: HTML of its figures by name.
    """
    tables = {name: table(sheet) for name, sheet in sheets.items()}

    def shown(note: str, *names: str) -> str:
        """Return figures and tables, of those that there are, below a note."""
        found = "".join(tables.get(name, figures.get(name, "")) for name in names)
        return f'<p class="note">{for_html(note)}</p>{found}' if found and note else found

    sections = [
        ("Verdict in numbers", shown("", "verdicts")),
        ("All measures", shown(f"{_READ} {_FAMILIES}", "forest-all")),
        ("The arms", shown("", "arms")),
        ("Is anything but temperature left?", shown("", "refinement")),
        ("Learning curves", shown("Mean over seeds and their range.", "learning-curves")),
        ("Convergence", shown(_machines(analysis), "convergence")),
        ("Coefficients", shown("Mean over seeds and their range.", "coefficients")),
        (
            "Reliability",
            shown(
                f"First seed of each arm (at most {plots.MOST_DIAGRAMS}) on test: full before T, hollow at T.",
                "reliability",
            ),
        ),
        ("Confidence and entropy", shown("First seed of each arm on test.", "confidence")),
        ("Accuracy against calibration", shown("A point for each run: full, and hollow at T.", "accuracy-calibration")),
        (
            "Test samples that the arms classify differently",
            shown("With the mean probabilities over seeds, those first that differ most.", "disagreements"),
        ),
        ("Out-of-distribution", shown("Curves are of msp, first seed of each arm.", "ood", "ood-curves")),
        ("Corrupted test samples", shown("Means over corruptions and seeds.", "corruptions")),
        ("Label noise", shown("Means over seeds.", "label-noise")),
        ("Other measures", shown("", "secondary")),
        ("What differs", shown("", "differences")),
        ("Notes", "".join(f'<p class="note">{for_html(note)}</p>' for note in analysis.study.notes)),
        ("Glossary", glossary()),
    ]
    arms = [(label, plots.colour_of(i)) for i, label in enumerate(analysis.study.arms)]
    return Page(
        "entreg compare", _subtitle(analysis), arms, _head(analysis, figures.get("forest-primary", "")), sections
    )


def _head(analysis: Analysis, forest: str) -> str:
    """Return what the study says, in boxes and a picture."""
    said = [verdict("", "", line) for line in (analysis.study.premise, standing(analysis)) if line]
    if analysis.baseline is not None:
        said += [verdict(outcome, _HEADS[outcome], line) for outcome, line in verdicts(analysis)]
    return "".join(said) + (f'<p class="note">{for_html(_READ)}</p>{forest}' if forest else "")


def _subtitle(analysis: Analysis) -> str:
    study = analysis.study
    data = study.results[0].summary.get("data", {}).get("name", "")
    against = "" if analysis.baseline is None else f", compared with {analysis.baseline}"
    return f"{len(study.results)} runs in {len(study.arms)} arms{against}; {data}, {study.samples} test samples"


def _machines(analysis: Analysis) -> str:
    """Say which processors the times are of."""
    starts = [start for result in analysis.study.results for start in result.summary.get("history", [])]
    devices = sorted({str(start["device"]) for start in starts if start.get("device")})
    return f"Trained on: {', '.join(devices)}." if devices else ""
