r"""Fixed-size, summable bin states: what every binned calibration score is computed from.

Conventions: the confidence is the largest softmax probability, in the dtype of the logits and at least float32.
Bins are equally wide and closed on the left, :math:`[m/B, (m+1)/B)`; the last one also holds a confidence of exactly 1.
Sums are float64, in which a sum of float32 confidences is exact up to :math:`10^6` samples: counts and sums of
confidences do not depend, to the last bit, on how the data is batched or spread over processes.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from entreg.metrics.checks import IGNORE_INDEX, counted


def probabilities(logits: Tensor) -> Tensor:
    """Softmax over dimension 1 in the dtype of the logits, at least float32."""
    return F.softmax(logits, dim=1, dtype=torch.promote_types(logits.dtype, torch.float32))


def top_label(logits: Tensor, target: Tensor, ignore_index: int = IGNORE_INDEX) -> tuple[Tensor, Tensor]:
    """Confidence of the predicted class and whether it is right, of every sample that is not ignored.

    Args:
        logits: ``(N, C)``.
        target: ``(N,)`` class indices.
        ignore_index: target of the samples that are left out.

    Returns:
        confidences and bools, both ``(M,)``, with M of N samples counting.

    Raises:
        ValueError: if a target is neither a class nor ``ignore_index``, or shapes do not fit.

    Example:
        >>> top_label(torch.tensor([[0.0, 0.0], [50.0, 0.0], [0.0, 1.0]]), torch.tensor([1, 0, -100]))
        (tensor([0.5000, 1.0000]), tensor([False,  True]))
    """
    return unchecked_top_label(*counted(logits, target, ignore_index))


def unchecked_top_label(logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Confidence of the predicted class and whether it is right, both ``(N,)``; no value is read.

    The predicted class is the one of the largest logit, also where probabilities that differ less than their dtype
    resolves are equal: what counts as right here is what counts as right in the accuracy.
    """
    predicted = logits.max(dim=1).indices
    return probabilities(logits).gather(1, predicted[:, None])[:, 0], predicted == target


def bin_index(confidence: Tensor, bins: int) -> Tensor:
    """Index of the bin of each confidence, int64, in the shape of ``confidence``; NaN is in some bin.

    The position among the bins, confidence times B, is exact in float64 for anything narrower; float64 itself is
    compared with the edges m / B, ten times slower.
    """
    if confidence.dtype == torch.float64:
        edges = torch.arange(1, bins, dtype=torch.float64, device=confidence.device) / bins
        return torch.bucketize(confidence, edges, right=True)  # interior edges only: nothing falls outside
    return (confidence.double() * bins).nan_to_num_(nan=0.0).long().clamp_(0, bins - 1)


def bin_confidences(confidence: Tensor, correct: Tensor, bins: int, keep: Tensor | None = None) -> Tensor:
    """Sort predictions into bins of confidence.

    Args:
        confidence: ``(N,)`` in [0, 1].
        correct: ``(N,)`` bool.
        bins: number of bins B.
        keep: ``(N,)`` bool: which of them count; default: all.

    Returns:
        ``(3, B)`` float64: count, sum of confidences, number correct, of each bin.

    Example:
        >>> bin_confidences(torch.tensor([0.6, 1.0]), torch.tensor([False, True]), bins=2)
        tensor([[0.0000, 2.0000],
                [0.0000, 1.6000],
                [0.0000, 1.0000]], dtype=torch.float64)
    """
    index, confidence = bin_index(confidence, bins), confidence.double()
    values = torch.stack([torch.ones_like(confidence), confidence, correct.double()])
    if keep is not None:
        values = torch.where(keep, values, 0.0)
    return values.new_zeros(3, bins).index_add_(1, index, values)


def bin_moments(confidence: Tensor, correct: Tensor, bins: int) -> Tensor:
    """Sort predictions into bins of confidence, with second moments.

    Args:
        confidence: ``(N,)`` in [0, 1].
        correct: ``(N,)`` bool.
        bins: number of bins B.

    Returns:
        ``(5, B)`` float64: the three rows of :func:`bin_confidences`, the sum of squared confidences, and the sum of
        the confidences of correct predictions.

    Example:
        >>> bin_moments(torch.tensor([0.5, 0.75]), torch.tensor([False, True]), bins=1)[:, 0]
        tensor([2.0000, 1.2500, 1.0000, 0.8125, 0.7500], dtype=torch.float64)
    """
    index, confidence, correct = bin_index(confidence, bins), confidence.double(), correct.double()
    values = torch.stack([torch.ones_like(confidence), confidence, correct, confidence.square(), confidence * correct])
    return values.new_zeros(5, bins).index_add_(1, index, values)


def bin_classes(probability: Tensor, target: Tensor, bins: int, ignore_index: int = IGNORE_INDEX) -> Tensor:
    """Sort the probability of every class of every sample into the bins of its class.

    Args:
        probability: ``(N, C)`` in [0, 1].
        target: ``(N,)`` class indices.
        bins: number of bins B.
        ignore_index: target of the samples that are left out.

    Returns:
        ``(3, C, B)`` float64: count, sum of probabilities, number of samples whose target is the class.

    Raises:
        ValueError: if a target is neither a class nor ``ignore_index``, or shapes do not fit.

    Example:
        >>> count, probability, of_class = bin_classes(torch.tensor([[0.25, 0.75]]), torch.tensor([1]), bins=2)
        >>> count
        tensor([[1., 0.],
                [0., 1.]], dtype=torch.float64)
        >>> of_class
        tensor([[0., 0.],
                [0., 1.]], dtype=torch.float64)
    """
    probability, target = counted(probability, target, ignore_index)
    samples, classes = probability.shape
    first = bins * torch.arange(classes, device=probability.device)
    index = bin_index(probability, bins) + first
    state = torch.zeros(3, classes * bins, dtype=torch.float64, device=probability.device)
    values = probability.double().reshape(-1)
    state[0].index_add_(0, index.reshape(-1), torch.ones_like(values))
    state[1].index_add_(0, index.reshape(-1), values)
    state[2].index_add_(0, index.gather(1, target[:, None])[:, 0], values.new_ones(samples))
    return state.view(3, classes, bins)
