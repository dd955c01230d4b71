"""The test samples that the arms disagree on most, as people see them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from entreg.compare.analysis import Analysis
from entreg.compare.report.pictures import Pictures
from entreg.compare.report.plots.axes import new_figure
from entreg.compare.result import Result, read_logits
from entreg.runs import read_predictions
from entreg.runs.set_name import TEST
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_COLUMNS = 6
_MOST_ARMS = 4  # named above a picture; of more, the two worst and the two best


def disagreements(analysis: Analysis, pictures: Pictures, count: int = 18) -> Figure | None:
    """The test samples that the arms disagree on most, with the true class and each arm's.

    An arm's probability of the true class is its mean over seeds; samples are ordered by the range over arms.

    Args:
        analysis: the comparison.
        pictures: what the test samples look like.
        count: number of samples.

    Returns:
        ``None`` with one arm only, or where samples cannot be shown as pictures.
    """
    if len(analysis.study.arms) < 2:
        return None
    means = {label: _mean_probabilities(arm) for label, arm in analysis.study.arms.items()}
    first = analysis.study.results[0]
    _, targets = read_logits(first, TEST)
    of_true_class = torch.stack([p.gather(1, targets[:, None])[:, 0] for p in means.values()])
    worst = (of_true_class.amax(0) - of_true_class.amin(0)).argsort(descending=True)[:count]
    ids = torch.from_numpy(read_predictions(first.run.predictions(TEST))["ids"])
    shown = pictures.of(ids[worst])
    if shown is None:
        return None
    rows = math.ceil(len(shown) / _COLUMNS)
    figure = new_figure(1.5 * _COLUMNS, 1.85 * rows)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).flat
    for ax in axes:
        ax.axis("off")
    for ax, i, picture in zip(figure.axes, worst.tolist(), shown, strict=False):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        probabilities = {label: mean[i] for label, mean in means.items()}
        ax.set_title(for_matplotlib(_caption(probabilities, int(targets[i]), pictures.classes)), fontsize=6)
    return figure


def _caption(probabilities: dict[str, Tensor], target: int, classes: Sequence[str]) -> str:
    """The true class, and what each arm says with which confidence, the arm that knows it least first."""
    labels = sorted(probabilities, key=lambda label: float(probabilities[label][target]))
    if len(labels) > _MOST_ARMS:
        labels = [*labels[:2], *labels[-2:]]
    lines = [f"true: {classes[target]}"]
    for label in labels:
        confidence, predicted = probabilities[label].max(0)
        lines.append(f"{label}: {classes[int(predicted)]} {confidence:.0%}")
    return "\n".join(lines)


def _mean_probabilities(arm: Sequence[Result]) -> Tensor:
    return torch.stack([read_logits(result, TEST)[0].softmax(1) for result in arm]).mean(0)
