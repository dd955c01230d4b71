"""Reliability diagrams of bin states."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import NormalDist
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from entreg.metrics.calibration import calibration_error
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def wilson_interval(correct: Tensor, count: Tensor, level: float = 0.95) -> tuple[Tensor, Tensor]:
    r"""Wilson's interval of a binomial proportion: the true values that a score test does not reject.

    .. math:: \frac{\hat p + z^2/2n \pm z \sqrt{\hat p (1 - \hat p) / n + z^2 / 4n^2}}{1 + z^2 / n}

    Source: Wilson 1927, doi 10.1080/01621459.1927.10502953.

    Args:
        correct: successes, any shape.
        count: trials >= 1, same shape.
        level: probability of covering the true proportion.

    Returns:
        lower and upper bound in [0, 1], float64.

    Raises:
        ValueError: if the level does not lie between 0 and 1.

    Example:
        >>> wilson_interval(torch.tensor([8]), torch.tensor([10]))
        (tensor([0.4902], dtype=torch.float64), tensor([0.9433], dtype=torch.float64))
    """
    if not 0 < level < 1:
        raise ValueError(f"level must lie between 0 and 1, got {level}")
    z = NormalDist().inv_cdf((1 + level) / 2)
    n, p = count.double(), correct.double() / count
    centre = p + z**2 / (2 * n)
    half = z * (p * (1 - p) / n + z**2 / (4 * n**2)).sqrt()
    return ((centre - half) / (1 + z**2 / n)).clamp(0, 1), ((centre + half) / (1 + z**2 / n)).clamp(0, 1)


def plot_reliability(state: Tensor, ax: Axes | None = None, title: str = "", level: float = 0.95) -> Axes:
    """Draw accuracy against confidence of each bin with its binomial interval.

    Args:
        state: ``(3, B)`` as :func:`~entreg.metrics.bin_confidences` returns it.
        ax: where to draw; ``None`` makes a figure that belongs to no window, reached as ``ax.figure``.
        title: what is shown; the calibration error is added.
        level: of the interval of each bin's accuracy, see :func:`wilson_interval`.

    Returns:
        the axes drawn on.
    """
    if ax is None:
        ax = _figure(4.2, 3.8).subplots()
    state = state.detach().cpu().double()
    bins, filled = state.shape[1], state[0] > 0
    count, confidence, correct = state[:, filled]
    left, accuracy, mean_confidence = torch.arange(bins)[filled] / bins, correct / count, confidence / count
    low, high = wilson_interval(correct, count, level)
    ax.bar(left.numpy(), accuracy.numpy(), 1 / bins, align="edge", color="#9ecae1", ec="w")
    ax.plot([0, 1], [0, 1], color="0.4", lw=1, ls="--", label="calibrated")
    ax.plot(mean_confidence.numpy(), accuracy.numpy(), "o-", color="#2b7bba", ms=3, lw=1, label="model")
    ax.vlines(mean_confidence.numpy(), low.numpy(), high.numpy(), color="#2b7bba", lw=1, label=f"{level:.0%} interval")
    error = calibration_error(state)
    ax.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1), title=f"{for_matplotlib(title)}  ECE {error:.2%}".strip())
    ax.legend(loc="upper left", frameon=False)
    return ax


def reliability_diagram(state: Tensor | Mapping[str, Tensor], title: str = "", level: float = 0.95) -> Figure:
    """Draw accuracy against confidence, with the share and number of samples in each bin.

    Args:
        state: ``(3, B)`` as :func:`~entreg.metrics.bin_confidences` returns it, or several by name, e.g.
            ``{"T = 1": before, "T = 1.6": after}``, which are drawn side by side.
        title: what is shown.
        level: of the interval of each bin's accuracy, see :func:`wilson_interval`.

    Returns:
        a matplotlib figure that belongs to no window; its axes are the upper panels, then the lower ones.
    """
    states = state if isinstance(state, Mapping) else {title: state}
    figure = _figure(0.4 + 3.8 * len(states), 4.8)
    upper, lower = figure.subplots(2, len(states), sharex=True, sharey="row", squeeze=False, height_ratios=(3, 1))
    for (name, one), top, bottom in zip(states.items(), upper, lower, strict=True):
        plot_reliability(one, top, name, level)
        count = one[0].detach().cpu()
        bins = len(count)
        share = count / count.sum().clamp(min=1)
        bars = bottom.bar(
            (torch.arange(bins) / bins).numpy(), share.numpy(), 1 / bins, align="edge", color="0.6", ec="w"
        )
        bottom.bar_label(bars, [f"{n:.0f}" if n else "" for n in count.tolist()], rotation=90, fontsize=6, padding=2)
        bottom.margins(y=0.45)  # room for the numbers
        bottom.set(xlabel="confidence", ylabel="share")
    for panel in (*upper[1:], *lower[1:]):
        panel.set_ylabel("")
    if isinstance(state, Mapping) and title:
        figure.suptitle(for_matplotlib(title))
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # imported late: a second that only pictures need

    return Figure(figsize=(width, height), layout="constrained")
