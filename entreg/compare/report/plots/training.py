"""Pictures of how the arms learnt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from entreg.compare.convergence import Convergence
from entreg.compare.report.plots.axes import colour_of, finish, new_figure
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 400  # of a curve: a screen shows no more, and the file stays small


def learning_curves(found: Mapping[str, Sequence[Convergence]]) -> Figure | None:
    """Validation accuracy in the course of training, mean over seeds and their range."""
    figure = new_figure(6.4, 3.6)
    ax = figure.subplots()
    for i, (label, arm) in enumerate(found.items()):
        _draw_mean_and_range(ax, [(run.curve.steps, run.curve.values) for run in arm], label, colour_of(i))
    if not ax.lines:
        return None
    ax.set(xlabel="optimizer step", ylabel="validation accuracy")
    finish(ax)
    return figure


def coefficients(found: Mapping[str, Sequence[Convergence]]) -> Figure | None:
    """Effective coefficients of the losses in the course of training, a panel for each."""
    names = sorted({name for arm in found.values() for run in arm for name in run.curves if "/coefficient/" in name})
    if not names:
        return None
    figure = new_figure(3.4 * len(names), 3.2)
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for i, (label, arm) in enumerate(found.items()):
            curves = [run.curves[name] for run in arm if name in run.curves]
            _draw_mean_and_range(ax, [(curve.steps, curve.values) for curve in curves], label, colour_of(i))
        ax.set(xlabel="optimizer step", title=for_matplotlib(f"coefficient of {name.rsplit('/', 1)[-1].upper()}"))
        finish(ax)
    return figure


def _draw_mean_and_range(
    ax: Axes, curves: Sequence[tuple[NDArray[Any], NDArray[Any]]], label: str, colour: str
) -> None:
    """Draw the mean of curves (steps, values) and their range, at the steps that all have."""
    if not curves:
        return
    shared = sorted(set.intersection(*(set(steps.tolist()) for steps, _ in curves)))
    shown = shared[:: max(1, math.ceil(len(shared) / _POINTS))]
    values = np.array([values[np.isin(steps, shown)] for steps, values in curves])
    ax.plot(shown, values.mean(0), color=colour, label=for_matplotlib(label), marker="." if len(shown) < 30 else "")
    if len(curves) > 1:
        ax.fill_between(shown, values.min(0), values.max(0), color=colour, alpha=0.2, lw=0)
