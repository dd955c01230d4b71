"""What the pictures of a comparison have in common: matplotlib figures that belong to no window."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart in every kind of colour vision and on light and dark ground.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")


def colour_of(index: int) -> str:
    """Return the colour of an arm by its place; they repeat."""
    return COLOURS[index % len(COLOURS)]


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches."""
    from matplotlib.figure import Figure  # takes a second to import, which only pictures need

    return Figure(figsize=(width, height), layout="constrained")


def finish(ax: Axes) -> None:
    """Add a grid and a legend."""
    ax.grid(alpha=0.25)
    ax.legend(frameon=False, fontsize=8)
