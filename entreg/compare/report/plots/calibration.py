"""Pictures of confidence and calibration."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from entreg.compare.analysis import Analysis
from entreg.compare.report.plots.axes import colour_of, finish, new_figure
from entreg.compare.result import Result, read_logits
from entreg.metrics import bin_confidences, reliability_diagram, top_label
from entreg.metrics.scores import predictive_entropy
from entreg.runs.set_name import TEST
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def reliability(label: str, result: Result) -> Figure:
    """Reliability diagram of one run on test, before and after temperature scaling side by side."""
    logits, targets = read_logits(result, TEST)
    states = {label: bin_confidences(*top_label(logits, targets), result.bins)}
    if (temperature := result.scores.get("temperature")) is not None:
        scaled = logits.double() / temperature
        states[f"T = {temperature:.2f}"] = bin_confidences(*top_label(scaled, targets), result.bins)
    return reliability_diagram(states)


def histograms(analysis: Analysis) -> Figure:
    """Distribution of the confidences and entropies of the first seed of each arm on test."""
    figure = new_figure(6.8, 3.2)
    left, right = figure.subplots(1, 2)
    for i, (label, arm) in enumerate(analysis.study.arms.items()):
        logits, targets = read_logits(arm[0], TEST)
        confidence = top_label(logits, targets)[0].numpy()
        entropy = predictive_entropy(logits).numpy()
        style = {"histtype": "step", "color": colour_of(i), "label": for_matplotlib(label), "log": True}
        left.hist(confidence, bins=np.linspace(0, 1, 41), **style)
        right.hist(entropy, bins=np.linspace(0, np.log(logits.shape[1]), 41), **style)
    left.set(xlabel="confidence", ylabel="test samples")
    right.set(xlabel="entropy in nats")
    finish(left)
    return figure


def accuracy_against_calibration(analysis: Analysis) -> Figure:
    """Every run: accuracy against calibration error, before (full) and after (hollow) temperature scaling."""
    figure = new_figure(5.0, 3.8)
    ax = figure.subplots()
    for i, (label, arm) in enumerate(analysis.study.arms.items()):
        accuracy = [100 * result.scores["test"]["acc"] for result in arm]
        error = [100 * result.scores["test"]["ece"] for result in arm]
        scaled = [100 * result.scores["test"].get("scaled", {}).get("ece", np.nan) for result in arm]
        ax.plot(error, accuracy, "o", color=colour_of(i), label=for_matplotlib(label))
        ax.plot(scaled, accuracy, "o", mfc="none", color=colour_of(i))
    ax.set(xlabel="expected calibration error % (hollow: at T)", ylabel="accuracy %")
    finish(ax)
    return figure
