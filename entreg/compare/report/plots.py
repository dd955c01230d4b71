"""Pictures of a comparison, as matplotlib figures that belong to no window."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.measures import read_logits
from entreg.compare.study import Result
from entreg.data.evaluation_sets import SEVERITIES
from entreg.metrics import OOD_SCORES, bin_confidences, reliability_diagram, top_label
from entreg.metrics.scores import predictive_entropy

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Numbers = NDArray[Any]

_BINS = 15
_POINTS = 400
# Okabe and Ito's colours, told apart in every kind of colour vision and on light and dark ground.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#999999")


def learning_curves(found: Mapping[str, Sequence[Convergence]]) -> Figure | None:
    """Validation accuracy in the course of training, mean over seeds and their range."""
    figure = _figure(6.4, 3.6)
    ax = figure.subplots()
    for (label, arm), colour in zip(found.items(), _colours(), strict=False):
        curves = [(run.curve.steps, run.curve.values) for run in arm]
        _band(ax, curves, label, colour)
    if not ax.lines:
        return None
    ax.set(xlabel="optimizer step", ylabel="validation accuracy")
    return _finished(figure, ax)


def coefficients(found: Mapping[str, Sequence[Convergence]]) -> Figure | None:
    """Effective coefficients of the losses in the course of training, a panel for each."""
    names = sorted({name for arm in found.values() for run in arm for name in run.curves if "/coefficient/" in name})
    if not names:
        return None
    figure = _figure(3.4 * len(names), 3.2)
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for (label, arm), colour in zip(found.items(), _colours(), strict=False):
            _band(ax, [run.curves[name][::2] for run in arm if name in run.curves], label, colour)
        ax.set(xlabel="optimizer step", title=f"coefficient of {name.rsplit('/', 1)[-1].upper()}")
        _finished(figure, ax)
    return figure


def reliability(label: str, result: Result) -> Figure:
    """Reliability diagram of one run on test, before and after temperature scaling side by side."""
    logits, targets = read_logits(result, "test")
    states = {label: bin_confidences(*top_label(logits, targets), _BINS)}
    if (temperature := result.scores.get("temperature")) is not None:
        states[f"T = {temperature:.2f}"] = bin_confidences(*top_label(logits.double() / temperature, targets), _BINS)
    return reliability_diagram(states)


def histograms(analysis: Analysis) -> Figure:
    """Distribution of the confidences and entropies of the first seed of each arm on test."""
    figure = _figure(6.8, 3.2)
    left, right = figure.subplots(1, 2)
    for (label, arm), colour in zip(analysis.study.arms.items(), _colours(), strict=False):
        logits, targets = read_logits(arm[0], "test")
        confidence = top_label(logits, targets)[0].numpy()
        entropy = predictive_entropy(logits).numpy()
        style = {"histtype": "step", "color": colour, "label": label, "log": True}
        left.hist(confidence, bins=np.linspace(0, 1, 41), **style)
        right.hist(entropy, bins=np.linspace(0, np.log(logits.shape[1]), 41), **style)
    left.set(xlabel="confidence", ylabel="test images")
    right.set(xlabel="entropy in nats")
    return _finished(figure, left)


def accuracy_against_calibration(analysis: Analysis) -> Figure:
    """Every run: accuracy against calibration error, before (full) and after (hollow) temperature scaling."""
    figure = _figure(5.0, 3.8)
    ax = figure.subplots()
    for (label, arm), colour in zip(analysis.study.arms.items(), _colours(), strict=False):
        accuracy = [100 * result.scores["test"]["acc"] for result in arm]
        ax.plot([100 * r.scores["test"]["ece"] for r in arm], accuracy, "o", color=colour, label=label)
        scaled = [r.scores["test"].get("scaled", {}).get("ece", np.nan) * 100 for r in arm]
        ax.plot(scaled, accuracy, "o", mfc="none", color=colour)
    ax.set(xlabel="expected calibration error % (hollow: at T)", ylabel="accuracy %")
    return _finished(figure, ax)


def robustness(analysis: Analysis) -> Figure | None:
    """Accuracy, NLL and calibration error along the severities of all corruptions: means over corruptions and seeds."""
    panels = {"acc": "accuracy", "nll": "NLL", "ece": "expected calibration error"}
    arms = {
        label: [result.scores["corrupt"] for result in arm if result.scores.get("corrupt")]
        for label, arm in analysis.study.arms.items()
    }
    if not all(arms.values()):
        return None
    names = set.intersection(*(set(corrupt) for arm in arms.values() for corrupt in arm))
    if not names:
        return None
    figure = _figure(9.6, 3.2)
    for ax, (key, title) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for (label, arm), colour in zip(arms.items(), _colours(), strict=False):
            clean = [result.scores["test"][key] for result in analysis.study.arms[label]]
            along = [[c[name][s][key] for c in arm for name in sorted(names)] for s in map(str, SEVERITIES)]
            ax.plot([0, *SEVERITIES], [np.mean(clean), *map(np.mean, along)], color=colour, marker=".", label=label)
        ax.set(title=title, xlabel=f"severity ({', '.join(sorted(names))})")
        _finished(figure, ax)
    return figure


def label_noise(analysis: Analysis) -> Figure | None:
    """Accuracy, NLL and calibration error of each loss along the rates of label noise that the arms differ in."""
    rates = analysis.study.differences.get("data.init_args.damage.label_noise")
    others = set(analysis.study.differences) - {"data.init_args.damage.label_noise", "training data (fingerprint)"}
    if rates is None or any(not key.startswith("model.loss.") for key in others):
        return None  # what else differs would be averaged over
    panels = {"acc": "accuracy", "nll": "NLL", "ece": "expected calibration error"}
    by_loss: dict[str, dict[float, list[Result]]] = {}
    for label, arm in analysis.study.arms.items():
        by_loss.setdefault(arm[0].loss, {}).setdefault(float(rates[label] or 0), []).extend(arm)
    figure = _figure(9.6, 3.2)
    for ax, (key, title) in zip(figure.subplots(1, 3), panels.items(), strict=True):
        for (loss, at_rates), colour in zip(by_loss.items(), _colours(), strict=False):
            means = [np.mean([result.scores["test"][key] for result in at_rates[rate]]) for rate in sorted(at_rates)]
            ax.plot(sorted(at_rates), means, color=colour, marker=".", label=loss)
        ax.set(title=title, xlabel="share of wrong training labels")
        _finished(figure, ax)
    return figure


def ood_curves(analysis: Analysis) -> Figure | None:
    """ROC of the largest softmax probability against each out-of-distribution set, first seed of each arm."""
    names = [name for name in analysis.study.results[0].scores.get("ood", {}) if f"auroc:{name}" in analysis.measures]
    if not names:
        return None
    figure = _figure(3.4 * len(names), 3.4)
    for ax, name in zip(figure.subplots(1, len(names), squeeze=False)[0], names, strict=True):
        for (label, arm), colour in zip(analysis.study.arms.items(), _colours(), strict=False):
            kept, taken = _roc(arm[0], name)
            ax.plot(taken, kept, color=colour, label=label)
        ax.plot([0, 1], [0, 1], color="0.5", lw=0.8, ls="--")
        ax.set(xlabel=f"share of {name} kept", ylabel="share of test kept", title=name)
        _finished(figure, ax)
    return figure


def disagreements(analysis: Analysis, images: Tensor, classes: Sequence[str], count: int = 18) -> Figure | None:
    """The test images that the arms disagree on most, with the true class and each arm's.

    An arm's probability of the true class is its mean over seeds; images are ordered by the range over arms.

    Args:
        analysis: the comparison.
        images: test images ``(N, C, H, W)`` uint8, upright, in the order of their ids.
        classes: names of the classes.
        count: number of images.
    """
    if len(analysis.study.arms) < 2:
        return None
    mean = {label: _mean_probabilities(arm) for label, arm in analysis.study.arms.items()}
    _, targets = read_logits(analysis.study.results[0], "test")
    true = torch.stack([p.gather(1, targets[:, None])[:, 0] for p in mean.values()])
    worst = (true.amax(0) - true.amin(0)).argsort(descending=True)[:count].tolist()
    columns = 6
    figure = _figure(1.5 * columns, 1.85 * -(-len(worst) // columns))
    axes = figure.subplots(-(-len(worst) // columns), columns, squeeze=False).flat
    for ax in axes:
        ax.axis("off")
    for ax, i in zip(figure.axes, worst, strict=False):
        ax.imshow(images[i].permute(1, 2, 0).squeeze(2).numpy(), cmap="gray", vmin=0, vmax=255)
        ranked = sorted(mean, key=lambda label: float(mean[label][i, targets[i]]))
        shown = ranked if len(ranked) <= 4 else [*ranked[:2], *ranked[-2:]]
        said = [f"{label}: {classes[int(mean[label][i].argmax())]} {mean[label][i].max():.0%}" for label in shown]
        ax.set_title("\n".join([f"true: {classes[int(targets[i])]}", *said]), fontsize=6)
    return figure


def _mean_probabilities(arm: Sequence[Result]) -> Tensor:
    return torch.stack([read_logits(result, "test")[0].softmax(1) for result in arm]).mean(0)


def _roc(result: Result, name: str) -> tuple[Numbers, Numbers]:
    """Share of test and of another set that pass each of 500 thresholds."""
    score = OOD_SCORES["msp"]
    inside, outside = (score(read_logits(result, of)[0]).numpy() for of in ("test", f"ood-{name}"))
    thresholds = np.quantile(np.concatenate([inside, outside]), np.linspace(0, 1, 500))
    return (inside >= thresholds[:, None]).mean(1), (outside >= thresholds[:, None]).mean(1)


def _band(ax: Axes, curves: Sequence[tuple[Numbers, Numbers]], label: str, colour: str) -> None:
    """Mean of the curves and their range, at the steps that all have."""
    if not curves:
        return
    steps = sorted(set.intersection(*(set(s.tolist()) for s, _ in curves)))
    steps = steps[:: -(-len(steps) // _POINTS)]  # a screen shows no more, and the file stays small
    values = np.array([v[np.isin(s, steps)] for s, v in curves])
    ax.plot(steps, values.mean(0), color=colour, label=label, marker="." if len(steps) < 30 else "")
    if len(curves) > 1:
        ax.fill_between(steps, values.min(0), values.max(0), color=colour, alpha=0.2, lw=0)


def _colours() -> list[str]:
    return list(COLOURS) * 20


def _finished(figure: Figure, ax: Axes) -> Figure:
    ax.grid(alpha=0.25)
    ax.legend(frameon=False, fontsize=8)
    return figure


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure  # imported late: a second that only pictures need

    return Figure(figsize=(width, height), layout="constrained")
