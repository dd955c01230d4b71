"""Everything that a comparison leaves in its folder: tables in every format, figures, and the HTML report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.report import plots
from entreg.compare.report.comparison_tables import secondary_sheet, verdict_sentences, verdicts_sheet
from entreg.compare.report.html import page, picture, table
from entreg.compare.report.pictures import Pictures
from entreg.compare.report.sheet import Sheet
from entreg.compare.report.tables import arms_sheet, convergence_sheet, differences_sheet, ood_sheet
from entreg.files import atomic_path, write_json
from entreg.text import for_html, for_markdown

_DERIVED = ("difference", "interval", "p", "outcome", "detectable", "seeds_needed")  # of a comparison
_DRAWN = 12  # arms with a reliability diagram of their own: more would only be scrolled past


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
    pictures: Pictures | None = None,
) -> Path:
    """Write ``report.md``, ``report.tex``, a CSV of each table, ``report.json`` and ``index.html``; return the last.

    Args:
        out: folder; made if absent.
        analysis: the comparison.
        converged: convergence of the runs by arm.
        pictures: what the test samples look like, where they are at hand.
    """
    sheets = {name: sheet for name, sheet in sheets_of(analysis, converged).items() if sheet.rows}
    premise = [analysis.study.premise] if analysis.study.premise else []
    said = [*premise, *verdict_sentences(analysis)]
    lines = [f"- {for_markdown(line)}" for line in (*said, *analysis.study.notes)]
    _write(out / "report.md", "\n".join([*lines, "", *(sheet.markdown() for sheet in sheets.values())]))
    _write(out / "report.tex", "% needs the package booktabs\n" + "\n".join(sheet.latex() for sheet in sheets.values()))
    for name, sheet in sheets.items():
        _write(out / f"{name}.csv", sheet.csv())
    write_json(out / "report.json", as_json(analysis))
    index = out / "index.html"
    _write(index, _html(analysis, converged, sheets, said, pictures))
    return index


def as_json(analysis: Analysis) -> dict[str, Any]:
    """Return every number of the comparison."""
    return {
        "baseline": analysis.baseline,
        "standing": analysis.standing,
        "primary": list(analysis.primary),
        "premise": analysis.study.premise,
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
                label: {**asdict(comparison), **{name: getattr(comparison, name) for name in _DERIVED}}
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
    pictures: Pictures | None,
) -> str:
    study = analysis.study
    data = study.results[0].summary.get("data", {}).get("name", "")
    subtitle = (
        f"{len(study.results)} runs in {len(study.arms)} arms, {data}, {study.samples} test samples; intervals are 95 %"
    )
    html = {name: table(sheet) for name, sheet in sheets.items()}
    disagreed = None if pictures is None else plots.disagreements(analysis, pictures)
    sections = [
        ("Verdict in numbers", html.get("verdicts", "")),
        ("The arms", html["arms"]),
        ("Learning curves", picture(plots.learning_curves(converged), "validation accuracy of each arm by step")),
        ("Convergence", html.get("convergence", "")),
        ("Reliability of the first seed before and after temperature scaling", _reliabilities(analysis)),
        (
            "Confidence and entropy of the first seed",
            picture(plots.histograms(analysis), "histograms of confidence and entropy"),
        ),
        ("Coefficients", picture(plots.coefficients(converged), "effective coefficients by step")),
        ("Accuracy against calibration", picture(plots.accuracy_against_calibration(analysis), "a point for each run")),
        (
            "Test samples the arms disagree on most",
            picture(disagreed, "test samples with the classes given by each arm"),
        ),
        (
            "Out-of-distribution",
            html.get("ood", "") + picture(plots.ood_curves(analysis), "ROC against each set, first seed"),
        ),
        ("Corrupted test samples", picture(plots.robustness(analysis), "scores along severities")),
        ("Label noise", picture(plots.label_noise(analysis), "scores along rates of label noise")),
        ("Other measures", html.get("secondary", "")),
        ("What differs", html.get("differences", "")),
        ("Notes", "".join(f'<p class="note">{for_html(note)}</p>' for note in analysis.study.notes)),
    ]
    return page("entreg compare", subtitle, said, sections)


def _reliabilities(analysis: Analysis) -> str:
    drawn = list(analysis.study.arms.items())[:_DRAWN]
    return "".join(
        picture(plots.reliability(label, arm[0]), f"reliability diagrams of {label}") for label, arm in drawn
    )


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")
