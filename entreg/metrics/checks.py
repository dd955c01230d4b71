"""What a set of predictions must be before anything is computed of it."""

from __future__ import annotations

import torch
from torch import Tensor

IGNORE_INDEX = -100  # the default of the losses and of F.cross_entropy


def check_logits(logits: Tensor) -> None:
    """Raise :class:`ValueError` unless these are logits ``(N, C)`` of at least one sample, each with probabilities."""
    if logits.ndim != 2 or not logits.is_floating_point():
        raise ValueError(f"logits must be floating point of shape (N, C), got {logits.dtype} {tuple(logits.shape)}")
    if logits.numel() == 0:
        raise ValueError(f"logits must hold at least one sample and one class, got shape {tuple(logits.shape)}")
    broken = int((~logits.amax(1).isfinite()).sum())  # the maximum is NaN or infinite exactly where the softmax is NaN
    if broken:
        raise ValueError(
            f"logits must be finite or -inf, got {broken} of {len(logits)} rows with NaN, +inf or nothing but -inf: "
            "the training that made them diverged"
        )


def check_predictions(logits: Tensor, target: Tensor, ignore_index: int = IGNORE_INDEX) -> tuple[Tensor, Tensor]:
    """Return what :func:`counted` returns; raise :class:`ValueError` where that or :func:`check_logits` does."""
    check_logits(logits)
    logits, target = counted(logits, target, ignore_index)
    check_logits(logits)
    return logits, target


def counted(scores: Tensor, target: Tensor, ignore_index: int = IGNORE_INDEX) -> tuple[Tensor, Tensor]:
    """Leave out the samples that are ignored, and refuse targets that are no class.

    The values are read: an accelerator is waited for. What must not wait is :class:`~entreg.metrics.TrainingScores`.

    Args:
        scores: logits or probabilities ``(N, C)``.
        target: ``(N,)`` class indices of any integer type.
        ignore_index: target of the samples that do not count, as in :func:`torch.nn.functional.cross_entropy`.

    Returns:
        the M rows of ``scores`` that count, ``(M, C)``, and their targets ``(M,)`` int64.

    Raises:
        ValueError: on another shape or type, or a target outside ``0..C - 1`` that is not ``ignore_index``.

    Example:
        >>> counted(torch.tensor([[2.0, 0.0], [1.0, 3.0]]), torch.tensor([-100, 1]))
        (tensor([[1., 3.]]), tensor([1]))
    """
    if target.shape != scores.shape[:1] or target.dtype == torch.bool or target.is_floating_point():
        raise ValueError(
            f"targets must be class indices of shape ({len(scores)},), got {target.dtype} {tuple(target.shape)}"
        )
    target, classes = target.long(), scores.shape[1]
    is_class = (target >= 0) & (target < classes)
    keep = target != ignore_index
    if (is_class & keep).all():
        return scores, target
    wrong = target[keep & ~is_class]
    if len(wrong):
        raise ValueError(
            f"targets must lie in 0..{classes - 1}, the classes of the logits, or be ignore_index {ignore_index}, "
            f"got {int(wrong[0])}"
        )
    return scores[keep], target[keep]
