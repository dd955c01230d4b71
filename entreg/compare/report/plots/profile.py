"""The arms over all data sets, at every threshold at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entreg.compare.overall import Overall
from entreg.compare.report.plots.axes import colour_of, finish, mark_of, panels
from entreg.compare.stats.profile import performance_profile
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_POINTS = 201


def profile(found: Overall) -> Figure:
    """Performance profile: which share of each arm's runs is better than a score, with its interval at each score."""
    scores = np.concatenate([column for columns in found.scores.values() for column in columns])
    margin = 0.02 * (np.ptp(scores) or 1.0)
    thresholds = np.linspace(scores.min() - margin, scores.max() + margin, _POINTS)
    figure, (ax,) = panels(1, 3.4)
    for i, (label, columns) in enumerate(found.scores.items()):
        of_arm = performance_profile(columns, thresholds, higher_is_better=found.measure.higher_is_better)
        ax.step(thresholds, of_arm.shares, color=colour_of(i), label=for_matplotlib(label), gid=mark_of(i, label))
        if of_arm.low is not None and of_arm.high is not None:
            band = ax.fill_between(
                thresholds, of_arm.low, of_arm.high, step="pre", color=colour_of(i), alpha=0.15, lw=0
            )
            band.set_gid(mark_of(i))
    ax.set(xlabel=for_matplotlib(found.unit), ylabel="share of runs that are better", ylim=(-0.03, 1.03))
    if not found.measure.higher_is_better:
        ax.invert_xaxis()  # better is to the right in every profile
    finish(figure, [ax])
    return figure
