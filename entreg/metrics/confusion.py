"""Which classes are taken for which: the confusion matrix and its picture."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from entreg.metrics.checks import IGNORE_INDEX, counted
from entreg.text import for_matplotlib

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_CELL, _SIDES, _MOST_LABELS = 0.24, (4.0, 16.0), 100  # inches, inches, names on an axis
_SHOWN = 0.005  # shares from here on are written into their cell


def confusion_matrix(logits: Tensor, target: Tensor, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Count the samples of each class by the class they are taken for.

    Args:
        logits: ``(N, C)``; a NaN counts as the largest, as everywhere in torch.
        target: ``(N,)`` class indices.
        ignore_index: target of the samples that are left out.

    Returns:
        ``(C, C)`` int64: rows are true classes, columns predicted ones.

    Raises:
        ValueError: if a target is neither a class nor ``ignore_index``, or shapes do not fit.

    Example:
        >>> import torch
        >>> confusion_matrix(torch.tensor([[2.0, 0.0], [1.0, 3.0], [1.0, 0.0]]), torch.tensor([0, 1, 1]))
        tensor([[1, 0],
                [1, 1]])
    """
    logits, target = counted(logits, target, ignore_index)
    classes = logits.shape[1]
    return (target * classes + logits.argmax(1)).bincount(minlength=classes**2).view(classes, classes)


def confusion_diagram(matrix: Tensor, classes: Sequence[str], title: str = "") -> Figure:
    """Draw the share of each true class that is taken for each class.

    Rows sum to 100 % (or 0, of a class without samples). The colours follow the square root of the share, so that rare
    confusions are seen beside a diagonal near 100 %.

    Args:
        matrix: ``(C, C)`` as :func:`confusion_matrix` returns it.
        classes: names of the C classes.
        title: what is shown; the number of errors is added.

    Returns:
        a matplotlib figure that belongs to no window; its axes are the matrix, then the colour bar.

    Raises:
        ValueError: if the matrix is not square or has another number of classes than there are names.
    """
    n = len(classes)
    if matrix.shape != (n, n):
        raise ValueError(f"the matrix must be {n} x {n}, one row for each name of a class, got {tuple(matrix.shape)}")
    from matplotlib.colors import PowerNorm  # imported late: a second that only pictures need
    from matplotlib.figure import Figure

    matrix = matrix.detach().cpu()
    share = matrix / matrix.sum(1, keepdim=True).clamp(min=1)
    side = min(max(_CELL * n + 1.5, _SIDES[0]), _SIDES[1])
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(share.numpy(), cmap="Blues", norm=PowerNorm(0.5, 0, 1), interpolation="nearest")
    named = range(0, n, math.ceil(n / _MOST_LABELS))
    names = [for_matplotlib(classes[k]) for k in named]
    axes.set_xticks(named, names, rotation=90 if max(map(len, names)) > 2 else 0, fontsize=7)
    axes.set_yticks(named, names, fontsize=7)
    axes.tick_params(length=0)
    wrong, total = int(matrix.sum() - matrix.trace()), int(matrix.sum())
    axes.set(xlabel="predicted", ylabel="true", title=f"{for_matplotlib(title)}  {wrong} of {total} wrong".strip())
    if n <= _MOST_LABELS:
        for row, column in (share >= _SHOWN).nonzero().tolist():
            value = float(share[row, column])
            colour = "white" if value > 0.4 else "black"
            axes.text(column, row, f"{100 * value:.0f}", ha="center", va="center", fontsize=5, color=colour)
    figure.colorbar(image, ax=axes, shrink=0.7, ticks=[0, 0.01, 0.05, 0.2, 0.5, 1], format=lambda x, _: f"{x:.0%}")
    return figure
