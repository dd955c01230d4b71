"""Pictures of confidence and calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from entreg.compare.analysis import Analysis
from entreg.compare.report.plots.axes import colour_of, finish, mark_of, panels
from entreg.compare.result import Result, read_logits
from entreg.metrics import bin_confidences, calibration_error, top_label, wilson_interval
from entreg.metrics.scores import predictive_entropy
from entreg.runs.set_name import TEST
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_DIAGRAMS = 12  # arms with a reliability diagram of their own: more would only be scrolled past


def reliability(analysis: Analysis) -> Figure:
    """Accuracy against confidence on test of the first seed of each arm, a mark a bin with its 95 % interval.

    Full marks are before temperature scaling, hollow ones after it.
    """
    arms = list(analysis.study.arms.items())[:MOST_DIAGRAMS]
    figure, axes = panels(len(arms), 2.9)
    for i, (ax, (label, arm)) in enumerate(zip(axes, arms, strict=True)):
        ax.plot([0, 1], [0, 1], color="0.5", lw=0.8, ls="--")
        titles = [for_matplotlib(label)]
        for name, state in _bin_states(arm[0]).items():
            _draw_bins(ax, state, i, f"{label}, seed {arm[0].seed}, {name}", hollow=name != "before T")
            titles.append(f"ECE {calibration_error(state):.2%} {name}")
        ax.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", title="\n".join(titles))
        ax.grid(alpha=0.25)
    for ax in axes[::2]:
        ax.set_ylabel("accuracy")
    return figure


def _bin_states(result: Result) -> dict[str, Tensor]:
    """Bins of a run's confidences on test, before and, where there is a temperature, after scaling."""
    logits, targets = read_logits(result, TEST)
    states = {"before T": bin_confidences(*top_label(logits, targets), result.bins)}
    if (temperature := result.scores.get("temperature")) is not None:
        scaled = top_label(logits.double() / temperature, targets)
        states[f"at T = {temperature:.2f}"] = bin_confidences(*scaled, result.bins)
    return states


def _draw_bins(ax: Axes, state: Tensor, place: int, said: str, hollow: bool) -> None:
    """Draw a mark for each bin that holds samples, with an interval; pointed at, it says how many they are."""
    count, confidence, correct = state[:, state[0] > 0].double().cpu()
    low, high = wilson_interval(correct, count)
    style: Any = {"color": colour_of(place), "lw": 0.8, "ms": 4.5, "mfc": "none" if hollow else None}
    x, y = (confidence / count).tolist(), (correct / count).tolist()
    for i, n in enumerate(count.tolist()):
        gid = mark_of(place, f"{said}: accuracy {y[i]:.3f} at confidence {x[i]:.3f} of {n:.0f} samples")
        ax.plot([x[i], x[i]], [float(low[i]), float(high[i])], "-", gid=mark_of(place), **style)
        ax.plot(x[i], y[i], "o", gid=gid, **style)


def histograms(analysis: Analysis) -> Figure:
    """Distribution of the confidences and entropies of the first seed of each arm on test."""
    figure, (left, right) = panels(2, 3.2)
    for i, (label, arm) in enumerate(analysis.study.arms.items()):
        logits, targets = read_logits(arm[0], TEST)
        confidence = top_label(logits, targets)[0].numpy()
        entropy = predictive_entropy(logits).numpy()
        style: Any = {
            "histtype": "step",
            "color": colour_of(i),
            "label": for_matplotlib(label),
            "log": True,
            "gid": mark_of(i),
        }
        left.hist(confidence, bins=np.linspace(0, 1, 41).tolist(), **style)
        right.hist(entropy, bins=np.linspace(0, np.log(logits.shape[1]), 41).tolist(), **style)
    left.set(xlabel="confidence", ylabel="test samples")
    right.set(xlabel="entropy in nats")
    finish(figure, (left, right))
    return figure


def accuracy_against_calibration(analysis: Analysis) -> Figure:
    """Every run: accuracy against calibration error, before (full) and after (hollow) temperature scaling."""
    figure, (ax,) = panels(1, 3.8)
    for i, (label, arm) in enumerate(analysis.study.arms.items()):
        for result in arm:
            scores, named = result.scores["test"], for_matplotlib(label) if result is arm[0] else None
            for of_run, state, fill in ((scores, "before T", None), (scores.get("scaled"), "at T", "none")):
                if of_run is not None:
                    error, accuracy = 100 * of_run["ece"], 100 * scores["acc"]
                    gid = mark_of(
                        i, f"{label}, seed {result.seed}, {state}: accuracy {accuracy:.2f} %, ECE {error:.2f} %"
                    )
                    ax.plot(error, accuracy, "o", mfc=fill, color=colour_of(i), label=None if fill else named, gid=gid)
    ax.set(xlabel="expected calibration error % (hollow: at T)", ylabel="accuracy %")
    finish(figure, [ax])
    return figure
