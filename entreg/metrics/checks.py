"""What a set of predictions must be before anything is computed of it."""

from __future__ import annotations

import torch
from torch import Tensor


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


def check_predictions(logits: Tensor, target: Tensor) -> None:
    """Raise :class:`ValueError` unless :func:`check_logits` passes and ``target`` ``(N,)`` holds a class of each."""
    check_logits(logits)
    if target.shape != logits.shape[:1] or target.dtype == torch.bool or target.is_floating_point():
        raise ValueError(
            f"targets must be class indices of shape ({len(logits)},), got {target.dtype} {tuple(target.shape)}"
        )
    low, high = int(target.min()), int(target.max())
    if low < 0 or high >= logits.shape[1]:
        raise ValueError(f"targets must lie in 0..{logits.shape[1] - 1}, the classes of the logits, got {low}..{high}")
