"""Everything that a comparison leaves in its folder: tables in every format, figures, and the HTML report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from html import escape
from pathlib import Path
from typing import Any

from torch import Tensor

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.report import plots
from entreg.compare.report.html import page, picture, table
from entreg.compare.report.tables import (
    Sheet,
    arms_sheet,
    convergence_sheet,
    differences_sheet,
    ood_sheet,
    secondary_sheet,
    verdicts_sheet,
)
from entreg.runs import atomic_path, write_json

_DRAWN = 12  # arms with a reliability diagram of their own: more would only be scrolled past


def verdict_sentences(analysis: Analysis) -> list[str]:
    """Say what the primary measures say, a sentence for each arm."""
    if analysis.baseline is None:
        return ["one arm only: nothing to compare it with"]
    return [
        f"{label} against {analysis.baseline}, {analysis.measures[key].label}: {comparison.verdict}"
        + (f"; {comparison.checkpoints.describe(label, analysis.baseline)}" if comparison.checkpoints else "")
        for key in analysis.primary
        for label, comparison in analysis.comparisons[key].items()
    ]


def sheets_of(analysis: Analysis, converged: Mapping[str, Sequence[Convergence]]) -> dict[str, Sheet]:
    """Return the tables by the name of their files."""
    sheets = {"arms": arms_sheet(analysis)}
    if analysis.baseline is not None:
        sheets |= {"verdicts": verdicts_sheet(analysis), "secondary": secondary_sheet(analysis)}
    sheets["ood"] = ood_sheet(analysis)
    return sheets | {"convergence": convergence_sheet(converged), "differences": differences_sheet(analysis)}


def write_report(
    out: Path,
    analysis: Analysis,
    converged: Mapping[str, Sequence[Convergence]],
    images: tuple[Tensor, Sequence[str]] | None = None,
) -> Path:
    """Write ``report.md``, ``report.tex``, a CSV of each table, ``report.json`` and ``index.html``; return the last.

    Args:
        out: folder; made if absent.
        analysis: the comparison.
        converged: convergence of the runs by arm.
        images: test images, upright, and the names of their classes, where they are at hand.
    """
    sheets = {name: sheet for name, sheet in sheets_of(analysis, converged).items() if sheet.rows}
    said = verdict_sentences(analysis)
    notes = [*analysis.study.notes]
    _write(
        out / "report.md",
        "\n".join([*(f"- {line}" for line in (*said, *notes)), "", *map(Sheet.markdown, sheets.values())]),
    )
    _write(out / "report.tex", "% needs the package booktabs\n" + "\n".join(sheet.latex() for sheet in sheets.values()))
    for name, sheet in sheets.items():
        _write(out / f"{name}.csv", sheet.csv())
    write_json(out / "report.json", as_json(analysis))
    index = out / "index.html"
    _write(index, _html(analysis, converged, sheets, said, images))
    return index


def as_json(analysis: Analysis) -> dict[str, Any]:
    """Return every number of the comparison."""
    return {
        "baseline": analysis.baseline,
        "primary": list(analysis.primary),
        "notes": list(analysis.study.notes),
        "differences": {key: dict(values) for key, values in analysis.study.differences.items()},
        "arms": {
            label: {
                "runs": [str(result.run.path) for result in arm],
                "seeds": [result.seed for result in arm],
                "arm": arm[0].arm,
                "scores": [result.scores for result in arm],
            }
            for label, arm in analysis.study.arms.items()
        },
        "estimates": {
            key: {label: asdict(estimate) for label, estimate in arms.items()}
            for key, arms in analysis.estimates.items()
        },
        "comparisons": {
            key: {
                label: {**asdict(comparison), "outcome": comparison.outcome, "verdict": comparison.verdict}
                for label, comparison in arms.items()
            }
            for key, arms in analysis.comparisons.items()
        },
    }


def _html(
    analysis: Analysis,
    converged: Mapping[str, Sequence[Convergence]],
    sheets: Mapping[str, Sheet],
    said: Sequence[str],
    images: tuple[Tensor, Sequence[str]] | None,
) -> str:
    first = analysis.study.results[0]
    data = first.summary.get("data", {}).get("name", "")
    runs = len(analysis.study.results)
    empty = Sheet("", [], [])
    disagreed = None if images is None else plots.disagreements(analysis, *images)
    sections = [
        ("Verdict in numbers", table(sheets.get("verdicts", empty))),
        ("The arms", table(sheets["arms"])),
        ("Learning curves", picture(plots.learning_curves(converged), "validation accuracy of each arm by step")),
        ("Convergence", table(sheets.get("convergence", empty))),
        (
            "Reliability of the first seed before and after temperature scaling",
            "".join(
                picture(plots.reliability(label, arm[0]), f"reliability diagrams of {label}")
                for label, arm in list(analysis.study.arms.items())[:_DRAWN]
            ),
        ),
        (
            "Confidence and entropy of the first seed",
            picture(plots.histograms(analysis), "histograms of confidence and entropy"),
        ),
        ("Coefficients", picture(plots.coefficients(converged), "effective coefficients by step")),
        ("Accuracy against calibration", picture(plots.accuracy_against_calibration(analysis), "a point for each run")),
        ("Images the arms disagree on most", picture(disagreed, "test images with the classes given by each arm")),
        (
            "Out-of-distribution",
            table(sheets.get("ood", empty)) + picture(plots.ood_curves(analysis), "ROC against each set, first seed"),
        ),
        ("Corrupted test images", picture(plots.robustness(analysis), "scores along severities")),
        ("Label noise", picture(plots.label_noise(analysis), "scores along rates of label noise")),
        ("Other measures", table(sheets.get("secondary", empty))),
        ("What differs", table(sheets.get("differences", empty))),
        ("Notes", "".join(f'<p class="note">{escape(note)}</p>' for note in analysis.study.notes)),
    ]
    n = first.scores["test"]["n"]
    subtitle = f"{runs} runs in {len(analysis.study.arms)} arms, {data}, {n} test images; intervals are 95 %"
    return page("entreg compare", subtitle, said, sections)


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as part:
        part.write_text(text)
