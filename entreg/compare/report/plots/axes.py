"""What the pictures of a comparison have in common: matplotlib figures that belong to no window."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from entreg.text import shown

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart in every kind of colour vision and on light and dark ground.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")
_WIDTH = 6.2  # inches of every figure: the text of a page of paper, and text that a phone shows legibly
_COLUMNS = 2


def colour_of(index: int) -> str:
    """Return the colour of an arm by its place; they repeat."""
    return COLOURS[index % len(COLOURS)]


def mark_of(index: int, said: str = "") -> str:
    """Return what says of a drawn thing whose it is, as its ``gid``: see :func:`entreg.compare.report.svg.svg_of`.

    Args:
        index: place of the arm.
        said: what is read where the thing is pointed at.
    """
    return f"arm:{index}:{shown(said)}"


def new_figure(height: float) -> Figure:
    """Return an empty figure of a height in inches; all have one width."""
    from matplotlib.figure import Figure  # takes a second to import, which only pictures need

    return Figure(figsize=(_WIDTH, height), layout="constrained")


def panels(count: int, height: float = 2.6) -> tuple[Figure, list[Axes]]:
    """Return a figure of two panels a row, or of one.

    Args:
        count: number of panels.
        height: of each row in inches.
    """
    rows = math.ceil(count / _COLUMNS)
    figure = new_figure(height * rows)
    axes = list(figure.subplots(rows, min(count, _COLUMNS), squeeze=False).flat)
    for ax in axes[count:]:
        ax.remove()
    return figure, axes[:count]


def finish(figure: Figure, axes: Iterable[Axes]) -> None:
    """Add grids, and below all panels one legend of what is drawn in any."""
    named: dict[str, Artist] = {}
    for ax in axes:
        ax.grid(alpha=0.25)
        handles, labels = ax.get_legend_handles_labels()
        named |= dict(zip(labels, handles, strict=True))
    figure.legend(list(named.values()), list(named), loc="outside lower center", ncols=_COLUMNS, frameon=False)
