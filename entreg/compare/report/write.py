"""Everything that a comparison leaves in its folder: tables in every format, figures, and the HTML report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.report.comparison_tables import secondary_sheet, verdict_sentences, verdicts_sheet
from entreg.compare.report.contents import contents
from entreg.compare.report.figures import write_figures
from entreg.compare.report.numbers import as_csv, comparisons_table, runs_table
from entreg.compare.report.paper_table import paper_table
from entreg.compare.report.paths import relative, without_absolute
from entreg.compare.report.pictures import Pictures
from entreg.compare.report.refinement import refinement_sheet
from entreg.compare.report.sheet import Sheet
from entreg.compare.report.tables import arms_sheet, convergence_sheet, differences_sheet, ood_sheet
from entreg.compare.stats.comparison import Comparison
from entreg.files import atomic_path, write_json
from entreg.text import for_markdown

_DERIVED = ("difference", "interval", "p", "outcome", "detectable", "seeds_needed")  # of a comparison


def sheets_of(analysis: Analysis, converged: Mapping[str, Sequence[Convergence]]) -> dict[str, Sheet]:
    """Return the tables by the name of their files."""
    sheets = {"arms": arms_sheet(analysis)}
    if analysis.baseline is not None:
        sheets |= {"verdicts": verdicts_sheet(analysis), "secondary": secondary_sheet(analysis)}
    sheets |= {"refinement": refinement_sheet(analysis), "ood": ood_sheet(analysis)}
    return sheets | {"convergence": convergence_sheet(converged), "differences": differences_sheet(analysis)}


def write_report(
    out: Path,
    analysis: Analysis,
    converged: Mapping[str, Sequence[Convergence]],
    pictures: Pictures | None = None,
) -> Path:
    """Write the page ``index.html`` and return it, and beside it what is of use elsewhere.

    That is ``report.md``, all tables as LaTeX (``report.tex``) and a narrow one for a paper (``table.tex``), a CSV of
    each, all numbers (``report.json``; as tables for programs ``runs.csv`` and ``comparisons.csv``), and ``figures/``
    as SVG and PDF. Paths in them are relative to ``out``.

    Args:
        out: folder; made if absent.
        analysis: the comparison.
        converged: convergence of the runs by arm.
        pictures: what the test samples look like, where they are at hand.
    """
    analysis = _without_absolute_paths(analysis, out)
    converged = {label: converged[label] for label in analysis.study.arms if label in converged}
    sheets = {name: sheet for name, sheet in sheets_of(analysis, converged).items() if sheet.rows}
    premise = [analysis.study.premise] if analysis.study.premise else []
    said = [*premise, *verdict_sentences(analysis), *analysis.study.notes]
    lines = [f"- {for_markdown(line)}" for line in said]
    _write(out / "report.md", "\n".join([*lines, "", *(sheet.markdown() for sheet in sheets.values())]))
    _write(out / "report.tex", "% needs the package booktabs\n" + "\n".join(sheet.latex() for sheet in sheets.values()))
    _write(out / "table.tex", paper_table(analysis))
    for name, sheet in sheets.items():
        _write(out / f"{name}.csv", sheet.csv())
    for name, frame in (("runs", runs_table(analysis, converged)), ("comparisons", comparisons_table(analysis))):
        if len(frame):
            _write(out / f"{name}.csv", as_csv(frame))
    write_json(out / "report.json", as_json(analysis, out))
    figures = write_figures(out / "figures", analysis, converged, pictures)
    index = out / "index.html"
    _write(index, contents(analysis, sheets, figures).html())
    return index


def as_json(analysis: Analysis, out: Path) -> dict[str, Any]:
    """Return every number of the comparison; paths of runs are relative to ``out``."""
    return {
        "baseline": analysis.baseline,
        "standing": analysis.standing,
        "primary": list(analysis.primary),
        "premise": analysis.study.premise,
        "notes": list(analysis.study.notes),
        "differences": {key: dict(values) for key, values in analysis.study.differences.items()},
        "arms": {
            label: {
                "runs": [relative(result.run.path, out) for result in arm],
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
            key: {label: _plain(comparison) for label, comparison in arms.items()}
            for key, arms in analysis.comparisons.items()
        },
        "between": {
            key: [{"arm": arm, "baseline": other, **_plain(found)} for (arm, other), found in pairs.items()]
            for key, pairs in analysis.between.items()
        },
    }


def _plain(comparison: Comparison) -> dict[str, Any]:
    return {**asdict(comparison), **{name: getattr(comparison, name) for name in _DERIVED}}


def _without_absolute_paths(analysis: Analysis, out: Path) -> Analysis:
    """Name the files of notes and configs as seen from the report."""
    study = analysis.study
    differences = {
        key: {label: without_absolute(value, out) if isinstance(value, str) else value for label, value in of.items()}
        for key, of in study.differences.items()
    }
    notes = [without_absolute(note, out) for note in study.notes]
    return replace(analysis, study=replace(study, differences=differences, notes=notes))


def _write(path: Path, text: str) -> None:
    with atomic_path(path) as part:
        part.write_text(text, encoding="utf-8")
