"""Checks of a loss's arguments: one clear sentence as ``ValueError`` where one does not fit."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

# Of the sum of a target's probabilities: 26 or 50,000 roundings of the format stay below it.
_SUM_TOLERANCE = {torch.float64: 1e-5, torch.float32: 1e-3, torch.float16: 1e-2, torch.bfloat16: 3e-2}
_INDEX_DTYPES = (torch.int64, torch.uint8)  # what F.cross_entropy takes
SMALLEST_EXCESS = 1e-6  # of a base over 1: below it ln b vanishes in float32
LARGEST = 1e30  # weight or base: float32 has room for what is made of it


def log_base(base: float, name: str = "base") -> float:
    """Return ``ln(base)``; a base that is not a number in [1 + 1e-6, 1e30] is a ``ValueError``."""
    if not isinstance(base, (int, float)) or not 1 < base < math.inf:
        raise ValueError(f"{name} must be a number > 1, got {base}")
    if not 1 + SMALLEST_EXCESS <= base <= LARGEST:
        raise ValueError(f"{name} must lie between 1.000001 and {LARGEST:g}, got {base}: float32 holds no other")
    return math.log(base)


def check_eps(eps: float) -> None:
    """Raise ``ValueError`` unless 0 < eps < 1, and eps is a normal number in float32."""
    if not 0 < eps < 1:
        raise ValueError(f"eps must lie strictly between 0 and 1, got {eps}")
    if eps < torch.finfo(torch.float32).tiny:
        raise ValueError(f"eps must be at least 1.2e-38, the smallest normal number of float32, got {eps}")


def check_label_smoothing(label_smoothing: float) -> None:
    """Raise ``ValueError`` unless 0 <= label_smoothing <= 1."""
    if not 0 <= label_smoothing <= 1:
        raise ValueError(f"label_smoothing must lie in [0, 1], got {label_smoothing}")


def check_reduction(reduction: str) -> None:
    """Raise ``ValueError`` unless ``reduction`` is one of PyTorch's."""
    if reduction not in ("none", "mean", "sum"):
        raise ValueError(f"reduction must be 'none', 'mean' or 'sum', got {reduction!r}")


def check_of_batch(name: str, reduction: str) -> None:
    """Raise ``ValueError`` if a loss that is a property of the batch is asked for a value a sample."""
    if reduction == "none":
        raise ValueError(f"{name} is a property of the batch: reduction must be 'mean' or 'sum', got 'none'")


def check_range(name: str, value: float, low: float, high: float = math.inf) -> None:
    """Raise ``ValueError`` unless ``value`` is a finite number in ``[low, high]``."""
    if not (low <= value <= high and math.isfinite(value)):
        expected = f"a number in [{low:g}, {high:g}]"
        if math.inf in (-low, high):
            expected = f"a finite number >= {low:g}" if high == math.inf else f"a finite number <= {high:g}"
        raise ValueError(f"{name} must be {expected}, got {value}")


def check_logits(logits: Tensor) -> None:
    """Raise ``ValueError`` unless the logits have a class dimension with at least one class and are floating point."""
    if logits.ndim == 0:
        raise ValueError("logits must have a class dimension, got a scalar")
    if logits.shape[min(logits.ndim - 1, 1)] == 0:
        raise ValueError(f"logits must have at least one class, got shape {tuple(logits.shape)}")
    if not logits.is_floating_point():
        raise ValueError(f"logits must be floating point, got {logits.dtype}")


def class_weight(weight: Sequence[float] | Tensor | None) -> Tensor | None:
    """Return class weights as a floating point tensor.

    Raises:
        ValueError: unless they are finite numbers >= 0 in one row.
    """
    if weight is None:
        return None
    values = torch.as_tensor(weight)
    if values.ndim != 1 or not bool((values.isfinite() & (values >= 0)).all()):
        raise ValueError(f"class weights must be finite numbers >= 0, one for each class, got {weight}")
    return values if values.is_floating_point() else values.to(torch.get_default_dtype())


def compute_dtype(logits: Tensor) -> torch.dtype:
    """Return the dtype in which a loss of these logits is computed: at least float32."""
    return torch.float64 if logits.dtype == torch.float64 else torch.float32


def check_target(logits: Tensor, target: Tensor, weight: Tensor | None = None) -> bool:
    """Return whether ``target`` holds probabilities (else class indices); raise ``ValueError`` if shapes do not fit."""
    check_logits(logits)
    class_dim = 0 if logits.ndim == 1 else 1
    classes = logits.shape[class_dim]
    if weight is not None and weight.shape != (classes,):
        raise ValueError(f"weight must hold one number for each of {classes} classes, got shape {tuple(weight.shape)}")
    if target.is_floating_point():
        if target.shape != logits.shape:
            raise ValueError(
                f"probabilities must have the shape of the logits, got {tuple(target.shape)} for {tuple(logits.shape)}"
            )
        return True
    if target.dtype not in _INDEX_DTYPES:
        raise ValueError(f"class indices must be int64 or uint8, got {target.dtype}")
    index_shape = logits.shape[:class_dim] + logits.shape[class_dim + 1 :]
    if target.shape != index_shape:
        raise ValueError(
            f"class indices for logits {tuple(logits.shape)} must have shape {tuple(index_shape)}, "
            f"got {tuple(target.shape)}"
        )
    return False


def check_values(target: Tensor, classes: int, ignore_index: int) -> None:
    """Raise ``ValueError`` unless probabilities ``(N, C, ...)`` are >= 0 and sum to 1, or class indices are in range.

    They are checked on a CPU only: to read them would make an accelerator wait. There an index out of range is an
    assertion of the device, or a loss that is NaN.
    """
    if target.numel() > 0 and target.device.type == "cpu":
        _CheckedValues.apply(target.detach(), classes, ignore_index)


class _CheckedValues(torch.autograd.Function):
    """The check of values as a function with a rule for :func:`torch.func.vmap`, under which no value can be read.

    The rule checks the targets of all samples that are mapped over at once. The result means nothing.
    """

    @staticmethod
    def forward(target: Tensor, classes: int, ignore_index: int) -> Tensor:
        """Check."""
        if target.is_floating_point():
            _check_probabilities(target)
        else:
            _check_indices(target, classes, ignore_index)
        return target.new_empty(())

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Keep nothing: nothing is differentiated."""

    @staticmethod
    def vmap(
        info: Any, in_dims: tuple[int | None, ...], target: Tensor, classes: int, ignore_index: int
    ) -> tuple[Tensor, None]:
        """Check what is mapped over as one batch."""
        mapped = in_dims[0]
        if mapped is not None:
            target = target.movedim(mapped, 0).flatten(0, 1)
        return _CheckedValues.apply(target, classes, ignore_index), None


def _check_probabilities(target: Tensor) -> None:
    sums = target.sum(1, dtype=torch.promote_types(target.dtype, torch.float32))
    fits = ((sums - 1).abs().amax() <= _SUM_TOLERANCE[target.dtype]) & (target.amin() >= 0)
    if not fits:
        raise ValueError(
            f"target probabilities must be >= 0 and sum to 1, got sums in [{sums.min():.4g}, {sums.max():.4g}] "
            f"and a smallest value of {target.min():.4g}; validate_args=False skips this check"
        )


def _check_indices(target: Tensor, classes: int, ignore_index: int) -> None:
    low, high = (bound.numpy() for bound in target.aminmax())
    if low >= 0 and high < classes:
        return
    wrong = ((target < 0) | (target >= classes)) & (target != ignore_index)
    if wrong.any():
        raise ValueError(
            f"class indices must lie in [0, {classes - 1}] or be ignore_index {ignore_index}, "
            f"got {target[wrong][0].item()}"
        )
