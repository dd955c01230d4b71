"""The test samples that the arms classify differently, as people see them."""

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

_COLUMNS = 4
_MOST_ARMS = 4  # named above a picture; of more, the two worst and the two best


def disagreements(analysis: Analysis, pictures: Pictures, count: int = 16) -> Figure | None:
    """The test samples that not all arms put into one class, with the true class and each arm's.

    An arm's probabilities are its means over seeds; samples are ordered by the range over arms of that of the true
    class. What all arms get right, or all get wrong alike, is not shown.

    Args:
        analysis: the comparison.
        pictures: what the test samples look like.
        count: largest number of samples.

    Returns:
        ``None`` where no sample is classified differently, or samples cannot be shown as pictures.
    """
    means = {label: _mean_probabilities(arm) for label, arm in analysis.study.arms.items()}
    first = analysis.study.results[0]
    _, targets = read_logits(first, TEST)
    of_true_class = torch.stack([p.gather(1, targets[:, None])[:, 0] for p in means.values()])
    predicted = torch.stack([p.argmax(1) for p in means.values()])
    differ = (predicted != predicted[0]).any(0)
    ranges = of_true_class.amax(0) - of_true_class.amin(0)
    worst = ranges.masked_fill(~differ, -1).argsort(descending=True)[: min(count, int(differ.sum()))]
    if not len(worst):
        return None
    ids = torch.from_numpy(read_predictions(first.run.predictions(TEST))["ids"])
    shown = pictures.of(ids[worst])
    if shown is None:
        return None
    rows = math.ceil(len(shown) / _COLUMNS)
    figure = new_figure((1.6 + 0.12 * min(_MOST_ARMS, len(means))) * rows)
    axes = figure.subplots(rows, _COLUMNS, squeeze=False).flat
    for ax in axes:
        ax.axis("off")
    for ax, i, picture in zip(figure.axes, worst.tolist(), shown, strict=False):
        ax.imshow(picture, cmap="gray", vmin=0, vmax=255)
        probabilities = {label: mean[i] for label, mean in means.items()}
        ax.set_title(for_matplotlib(_caption(probabilities, int(targets[i]), pictures.classes)), fontsize=7)
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
