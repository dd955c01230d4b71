"""Means over all batches of the scores of samples, as torchmetrics that sum over batches and processes."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torchmetrics import Metric

from entreg.metrics.checks import IGNORE_INDEX, counted
from entreg.metrics.scores import brier, nll, predictive_entropy


class Mean(Metric):
    """Mean of what is given as sums and counts, in float64. NaN before anything is; a NaN given stays visible."""

    is_differentiable = False
    full_state_update = False
    total: Tensor
    count: Tensor

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.add_state("total", torch.zeros((), dtype=torch.float64), dist_reduce_fx="sum")
        self.add_state("count", torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, total: Tensor, count: int) -> None:
        """Add ``count`` values that sum to ``total``."""
        self.total += total.double()
        self.count += count

    def compute(self) -> Tensor:
        """Return the mean."""
        return self.total / self.count


class SampleScore(Mean):
    """Mean of a per-sample score over everything seen; a subclass defines :meth:`score`.

    In a :class:`torchmetrics.MetricCollection` set ``compute_groups=False``: it would take two scores for one whose
    states are the same after its first batch, as the numbers of errors and of samples are where all are wrong.

    Args:
        ignore_index: target of the samples that do not count.
        kwargs: arguments of :class:`torchmetrics.Metric`.

    Shape:
        logits ``(N, C)`` floating point, computed in float32 at least; target ``(N,)`` class indices; result scalar
        float64.

    Raises:
        ValueError: in ``update``, if a target is neither a class nor ignored.
    """

    def __init__(self, ignore_index: int = IGNORE_INDEX, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index

    @abstractmethod
    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the score of each sample, ``(N,)``."""

    def update(self, logits: Tensor, target: Tensor) -> None:  # type: ignore[override]
        """Add a batch."""
        logits, target = counted(logits, target, self.ignore_index)
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        super().update(self.score(logits, target).double().sum(), len(target))


class NLL(SampleScore):
    """Mean negative log-likelihood in nats."""

    higher_is_better = False

    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return :func:`nll`."""
        return nll(logits, target)


class Brier(SampleScore):
    """Mean Brier score, in [0, 2]."""

    higher_is_better = False

    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return :func:`brier`."""
        return brier(logits, target)


class MeanEntropy(SampleScore):
    """Mean entropy of the predictions in nats."""

    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return :func:`predictive_entropy`."""
        return predictive_entropy(logits)


class MeanConfidence(SampleScore):
    """Mean of the largest probability, in [1 / C, 1]."""

    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the largest softmax probability."""
        return F.softmax(logits, dim=1).amax(1)


class Errors(SampleScore):
    """Number of wrong predictions: the count that a published accuracy should always come with."""

    higher_is_better = False

    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return 1 where the largest logit is not the target's."""
        return logits.argmax(1) != target

    def compute(self) -> Tensor:
        """Return the count over all batches."""
        return self.total


class Samples(SampleScore):
    """Number of predictions."""

    def score(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return 1 for each."""
        return torch.ones_like(target)

    def compute(self) -> Tensor:
        """Return the count over all batches."""
        return self.total
