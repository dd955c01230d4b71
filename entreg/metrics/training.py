"""Accuracy, calibration error and loss of the batches that a classifier is trained on, as one torchmetrics metric."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from entreg.metrics.binning import bin_confidences, unchecked_top_label
from entreg.metrics.calibration import calibration_error
from entreg.metrics.checks import IGNORE_INDEX


class TrainingScores(Metric):
    """Accuracy, expected calibration error and mean loss of training batches, from sums that never move.

    It makes few operations, as it is updated in every step, and its sums stay where they are in memory when it is
    reset, so that a step that is captured as a CUDA graph can add to them. For the same reason it reads no target, and
    so refuses none: what is no class is for the loss to refuse.

    Args:
        bins: number of equally wide bins of the calibration error.
        ignore_index: target of the samples that do not count; ``None`` where every target is known to be a class, which
            saves the operations.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Shape:
        loss a scalar, the mean over the samples that count; logits ``(N, C)`` floating point; target ``(N,)`` class
        indices, or probabilities ``(N, C)``, of which the loss alone is kept. The result is a dict of scalars float64:
        ``loss``, and ``acc`` and ``ece`` where targets were class indices.

    Example:
        >>> scores = TrainingScores(bins=10)
        >>> scores.update(torch.tensor(0.5), torch.tensor([[0.0, 1.0], [50.0, 0.0]]), torch.tensor([0, 0]))
        >>> {name: round(value.item(), 3) for name, value in scores.compute().items()}
        {'loss': 0.5, 'acc': 0.5, 'ece': 0.366}
    """

    is_differentiable = False
    full_state_update = False
    state: Tensor
    total: Tensor
    count: Tensor

    def __init__(self, bins: int = 15, ignore_index: int | None = IGNORE_INDEX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.bins = bins
        self.ignore_index = ignore_index
        self.add_state("state", torch.zeros(3, bins, dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    @property
    def sums(self) -> tuple[Tensor, ...]:
        """The sums where they lie."""
        return self.state, self.total, self.count

    def update(self, loss: Tensor, logits: Tensor, target: Tensor) -> None:
        """Add a batch."""
        keep = None
        if self.ignore_index is not None and not target.is_floating_point():
            keep = target.long() != self.ignore_index
        count = len(target) if keep is None else keep.sum()
        self.total += loss.double() * count
        self.count += count
        if not target.is_floating_point():  # no class is the right one of a mixed sample
            self.state += bin_confidences(*unchecked_top_label(logits, target), self.bins, keep)

    def compute(self) -> dict[str, Tensor]:
        """Return the scores of all batches since the last reset."""
        scores = {"loss": self.total / self.count}
        count, _, correct = self.state.sum(1)
        if count > 0:
            scores |= {"acc": correct / count, "ece": calibration_error(self.state)}
        return scores

    def reset(self) -> None:
        """Set the sums to zero where they are."""
        state, total, count = self.sums
        super().reset()
        self.state, self.total, self.count = state.zero_(), total.zero_(), count.zero_()
