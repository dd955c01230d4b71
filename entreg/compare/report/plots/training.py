"""Pictures of how the arms learnt."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from entreg.compare.convergence import Convergence
from entreg.compare.report.plots.axes import colour_of, finish, mark_of, panels
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_POINTS = 400  # of a curve: a screen shows no more, and the file stays small


def learning_curves(found: Mapping[str, Sequence[Convergence]]) -> Figure | None:
    """Validation accuracy in the course of training, mean over seeds and their range."""
    figure, (ax,) = panels(1, 3.6)
    for i, (label, arm) in enumerate(found.items()):
        _draw_mean_and_range(ax, [(run.curve.steps, run.curve.values) for run in arm], label, i)
    if not ax.lines:
        return None
    ax.set(xlabel="optimizer step", ylabel="validation accuracy")
    finish(figure, [ax])
    return figure


def coefficients(found: Mapping[str, Sequence[Convergence]]) -> Figure | None:
    """Effective coefficients of the losses in the course of training, a panel for each."""
    names = sorted({name for arm in found.values() for run in arm for name in run.curves if "/coefficient/" in name})
    if not names:
        return None
    figure, axes = panels(len(names), 3.0)
    for ax, name in zip(axes, names, strict=True):
        for i, (label, arm) in enumerate(found.items()):
            curves = [run.curves[name] for run in arm if name in run.curves]
            _draw_mean_and_range(ax, [(curve.steps, curve.values) for curve in curves], label, i)
        ax.set(xlabel="optimizer step", title=for_matplotlib(f"coefficient of {name.rsplit('/', 1)[-1].upper()}"))
    finish(figure, axes)
    return figure


def _draw_mean_and_range(ax: Axes, curves: Sequence[tuple[NDArray[Any], NDArray[Any]]], label: str, place: int) -> None:
    """Draw the mean of an arm's curves (steps, values) and their range, at the steps that all have."""
    if not curves:
        return
    shared = sorted(set.intersection(*(set(steps.tolist()) for steps, _ in curves)))
    shown = shared[:: max(1, math.ceil(len(shared) / _POINTS))]
    values = np.array([values[np.isin(steps, shown)] for steps, values in curves])
    style: Any = {"color": colour_of(place), "gid": mark_of(place)}
    ax.plot(shown, values.mean(0), label=for_matplotlib(label), marker="." if len(shown) < 30 else "", **style)
    if len(curves) > 1:
        ax.fill_between(shown, values.min(0), values.max(0), alpha=0.2, lw=0, **style)
