"""Pictures of how the arms do where test or training data are not as they were: corrupted, mislabelled, foreign."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from entreg.compare.analysis import Analysis
from entreg.compare.report.plots.axes import colour_of, finish, mark_of, panels
from entreg.compare.result import Result, read_logits
from entreg.metrics import OOD_SCORES
from entreg.runs.experiment import TRAINING_DATA
from entreg.runs.scoring import Scores
from entreg.runs.set_name import TEST, SetKind, SetName
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = {"acc": "accuracy", "nll": "NLL", "ece": "expected calibration error"}
_LABEL_NOISE = "data.init_args.damage.label_noise"


def robustness(analysis: Analysis) -> Figure | None:
    """Accuracy, NLL and calibration error along the severities of all corruptions: means over corruptions and seeds."""
    arms = analysis.study.arms
    corrupted = {label: [result.scores.get("corrupt", {}) for result in arm] for label, arm in arms.items()}
    corrupted = {label: [scores for scores in of_arm if scores] for label, of_arm in corrupted.items()}
    if not all(corrupted.values()):
        return None
    names = sorted(set.intersection(*(set(scores) for of_arm in corrupted.values() for scores in of_arm)))
    severities = _common_severities(corrupted.values(), names)
    if not severities:
        return None
    figure, axes = panels(len(_PANELS))
    for ax, (key, title) in zip(axes, _PANELS.items(), strict=True):
        for i, (label, of_arm) in enumerate(corrupted.items()):
            means = [np.mean([result.scores["test"][key] for result in arms[label]])]
            for severity in severities:
                means.append(np.mean([scores[name][str(severity)][key] for scores in of_arm for name in names]))
            ax.plot(
                [0, *severities], means, color=colour_of(i), marker=".", label=for_matplotlib(label), gid=mark_of(i)
            )
        ax.set(title=title, xlabel="severity")
    finish(figure, axes)
    return figure


def label_noise(analysis: Analysis) -> Figure | None:
    """Accuracy, NLL and calibration error of each loss along the rates of label noise that the arms differ in.

    ``None`` if they differ in anything else than the loss and that rate, or have a loss twice at one rate (as with
    other coefficients): that would be averaged over.
    """
    differences = analysis.study.differences
    if _LABEL_NOISE not in differences:
        return None
    others = set(differences) - {_LABEL_NOISE, TRAINING_DATA}
    if not all(key.startswith("model.loss.") for key in others):
        return None
    by_loss: dict[str, dict[float, list[Result]]] = {}
    for label, arm in analysis.study.arms.items():
        rate = float(differences[_LABEL_NOISE][label] or 0)
        by_rate = by_loss.setdefault(arm[0].loss, {})
        if rate in by_rate:
            return None
        by_rate[rate] = list(arm)
    figure, axes = panels(len(_PANELS))
    for ax, (key, title) in zip(axes, _PANELS.items(), strict=True):
        for i, (loss, by_rate) in enumerate(by_loss.items()):
            rates = sorted(by_rate)
            means = [np.mean([result.scores["test"][key] for result in by_rate[rate]]) for rate in rates]
            ax.plot(rates, means, color=colour_of(i), marker=".", label=for_matplotlib(loss))
        ax.set(title=title, xlabel="share of wrong training labels")
    finish(figure, axes)
    return figure


def ood_curves(analysis: Analysis) -> Figure | None:
    """ROC of the largest softmax probability against each out-of-distribution set, first seed of each arm."""
    names = [n for n in analysis.study.results[0].sets(SetKind.OOD) if f"auroc:{n.name}" in analysis.measures]
    if not names:
        return None
    figure, axes = panels(len(names), 3.2)
    for ax, name in zip(axes, names, strict=True):
        for i, (label, arm) in enumerate(analysis.study.arms.items()):
            test_kept, ood_kept = _roc(arm[0], name)
            ax.plot(ood_kept, test_kept, color=colour_of(i), label=for_matplotlib(label), gid=mark_of(i))
        ax.plot([0, 1], [0, 1], color="0.5", lw=0.8, ls="--")
        title = for_matplotlib(name.name)
        ax.set(xlabel=f"share of {title} kept", ylabel="share of test kept", title=title)
    finish(figure, axes)
    return figure


def _common_severities(corrupted: Iterable[Sequence[Scores]], names: Sequence[str]) -> list[int]:
    """Severities at which every run was scored under each of the corruptions, in ascending order."""
    found = [set(scores[name]) for of_arm in corrupted for scores in of_arm for name in names]
    return sorted(int(severity) for severity in set.intersection(*found)) if found else []


def _roc(result: Result, name: SetName) -> tuple[NDArray[Any], NDArray[Any]]:
    """Share of test and of another set that pass each of 500 thresholds."""
    detector = OOD_SCORES["msp"]
    inside = detector(read_logits(result, TEST)[0]).numpy()
    outside = detector(read_logits(result, name)[0]).numpy()
    thresholds = np.quantile(np.concatenate([inside, outside]), np.linspace(0, 1, 500))
    return (inside >= thresholds[:, None]).mean(1), (outside >= thresholds[:, None]).mean(1)
