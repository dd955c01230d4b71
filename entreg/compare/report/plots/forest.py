"""The differences from the baseline, with the intervals that decide."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import fill
from typing import TYPE_CHECKING, Any

from entreg.compare.analysis import Analysis
from entreg.compare.measures import Measure
from entreg.compare.report.cells import difference_text, interval_text
from entreg.compare.report.plots.axes import colour_of, mark_of, panels
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def forest(analysis: Analysis, keys: Sequence[str]) -> Figure | None:
    """Every arm's difference from the baseline with its deciding interval, a panel for each measure.

    Where all pairs are compared, those without the baseline follow, in the colour of the first of the two.

    A line marks no difference, a band with dotted ends the differences that do not matter. What has no interval is a
    hollow point.

    Args:
        analysis: the comparison.
        keys: of the measures.

    Returns:
        ``None`` where there is nothing to compare.
    """
    if analysis.baseline is None or not keys:
        return None
    rows = len(analysis.study.arms) + max(len(analysis.between[key]) for key in keys)
    figure, axes = panels(len(keys), 0.9 + 0.24 * rows)
    for i, (ax, key) in enumerate(zip(axes, keys, strict=True)):
        _draw(ax, analysis, key)
        if i % 2:
            ax.tick_params(labelleft=False)
    return figure


def _draw(ax: Axes, analysis: Analysis, key: str) -> None:
    measure, labels = analysis.measures[key], list(analysis.study.arms)
    rows = [*labels, *(" − ".join(contrast) for contrast in analysis.between[key])]
    ax.axvline(0, color="0.5", lw=1)
    ax.plot(0, 0, "D", color=colour_of(0), ms=5, gid=mark_of(0, f"{labels[0]}: what the others are compared with"))
    for place, (contrast, comparison) in enumerate(analysis.contrasts(key).items(), start=1):
        if comparison.difference is None:
            continue
        found = f"{difference_text(comparison, measure)} ({interval_text(comparison, measure)})"
        arm = labels.index(contrast[0])
        style: Any = {"color": colour_of(arm), "gid": mark_of(arm, f"{rows[place]}, {measure.name}: {found}")}
        if comparison.interval is not None:
            ax.plot(comparison.interval, (place, place), lw=2, solid_capstyle="butt", **style)
        ax.plot(comparison.difference, place, "o", ms=6, mfc=None if comparison.interval else "none", **style)
    margin = next((c.margin for c in analysis.comparisons[key].values() if c.margin is not None), None)
    if margin is not None:
        ax.axvspan(-margin, margin, color="0.5", alpha=0.2, lw=0)
        for end in (-margin, margin):
            ax.axvline(end, color="0.5", lw=0.8, ls=":")
    ax.set_yticks(range(len(rows)), [for_matplotlib(row) for row in rows])
    ax.set(ylim=(len(rows) - 0.5, -0.5), xlabel=_axis(measure))
    ax.locator_params(axis="x", nbins=5)
    ax.grid(axis="x", alpha=0.25)


def _axis(measure: Measure) -> str:
    better = "→" if measure.higher_is_better else "←"
    unit = f", {measure.unit}" if measure.unit else ""
    return fill(for_matplotlib(f"{measure.name}{unit} ({better} better)"), 34)
