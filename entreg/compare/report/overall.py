"""What a comparison leaves behind over all its data sets: a table, a page, and a performance profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from entreg.compare.analysis import Analysis
from entreg.compare.overall import Overall, overall
from entreg.compare.report import plots
from entreg.compare.report.figures import draw_figures
from entreg.compare.report.glossary import glossary
from entreg.compare.report.html import Page, table, verdict
from entreg.compare.report.sheet import Sheet
from entreg.compare.report.terminal import print_sheet
from entreg.compare.stats.aggregate import Over
from entreg.console import print_line
from entreg.errors import RunError
from entreg.files import atomic_path, write_json
from entreg.text import for_html

_MISSING = "the baseline is not compared with itself"


def overall_sheet(found: Overall) -> Sheet:
    """Every arm over all data sets: mean rank, interquartile mean, probability of improvement."""
    digits = found.measure.digits if found.unit == found.measure.label else 2
    rows = [
        [
            label,
            _text(arm.rank, 2),
            _text(arm.iqm, digits),
            "-" if arm.improvement is None else _text(arm.improvement, 2),
        ]
        for label, arm in found.arms.items()
    ]
    header = ["arm", "mean rank", f"interquartile mean, {found.unit}", f"P(better than {found.baseline})"]
    return Sheet(f"Over all data sets: {', '.join(found.sets)}; {found.measure.name}", header, rows, _MISSING)


def overall_sentence(found: Overall) -> str:
    """Say what the intervals are about, and what they are not."""
    fewest, most = found.seeds
    seeds = f"{fewest} seeds" if fewest == most else f"{fewest} to {most} seeds"
    if fewest == 1:
        return f"{seeds} an arm: with one seed somewhere there are no intervals over all data sets"
    return (
        f"intervals over all data sets (95 %, from {seeds} an arm) are about other seeds on these {len(found.sets)} "
        "and say nothing of other data sets"
    )


def report_overall(analyses: Mapping[str, Analysis], pages: Mapping[str, Path], out: Path | None) -> None:
    """Print the comparison over all data sets, or why there is none, and write it where ``out`` says.

    Args:
        analyses: by name of the data set.
        pages: report of each.
        out: folder of the report that they lie in; ``None``: none is written.
    """
    print_line("")
    try:
        found = overall(analyses)
    except RunError as error:
        print_line(str(error))
        return
    for of_measure in found:
        print_sheet(overall_sheet(of_measure))
    if found:
        print_line(overall_sentence(found[0]))
    if found and out is not None:
        print_line(f"report over all data sets: {write_overall(out, found, pages)}")


def write_overall(out: Path, found: Sequence[Overall], pages: Mapping[str, Path]) -> Path:
    """Write the page ``index.html`` of all data sets and return it, with ``overall.csv``, ``.json`` and ``figures/``.

    Args:
        out: folder of the report; the data sets have theirs in it.
        found: one for each measure.
        pages: page of each data set by its name.
    """
    sheets = [overall_sheet(of_measure) for of_measure in found]
    figures = draw_figures(
        out / "figures",
        {
            f"profile-{of_measure.measure.key.replace(':', '-')}": (
                f"performance profile of each arm, {of_measure.measure.name}",
                lambda of_measure=of_measure: plots.profile(of_measure),  # type: ignore[misc]
            )
            for of_measure in found
        },
    )
    for of_measure, sheet in zip(found, sheets, strict=True):
        with atomic_path(out / f"overall-{of_measure.measure.key.replace(':', '-')}.csv") as part:
            part.write_text(sheet.csv(), encoding="utf-8")
    write_json(out / "overall.json", {"measures": {f.measure.key: _as_json(f) for f in found}})
    links = "".join(
        f'<li><a href="{for_html(page.relative_to(out).as_posix())}">{for_html(name)}</a></li>'
        for name, page in pages.items()
    )
    said = overall_sentence(found[0])
    page = Page(
        "entreg compare: over all data sets",
        f"{len(found[0].arms)} arms on {len(found[0].sets)} data sets, compared with {found[0].baseline}",
        [(label, plots.colour_of(i)) for i, label in enumerate(found[0].arms)],
        verdict("", "", f"{said[0].upper()}{said[1:]}."),
        [
            ("Over all data sets", "".join(map(table, sheets))),
            ("Performance profile", "".join(figures.values())),
            ("Each data set", f"<ul>{links}</ul>"),
            ("Glossary", glossary()),
        ],
    )
    index = out / "index.html"
    with atomic_path(index) as part:
        part.write_text(page.html(), encoding="utf-8")
    return index


def _as_json(found: Overall) -> dict[str, object]:
    return {
        "unit": found.unit,
        "sets": list(found.sets),
        "baseline": found.baseline,
        "scores": {label: [list(column) for column in columns] for label, columns in found.scores.items()},
        "arms": {label: asdict(arm) for label, arm in found.arms.items()},
    }


def _text(over: Over, digits: int) -> str:
    if over.interval is None:
        return f"{over.value:.{digits}f}"
    return f"{over.value:.{digits}f} ({over.interval.low:.{digits}f} to {over.interval.high:.{digits}f})"
