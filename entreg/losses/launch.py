"""The closed form on CUDA: how :mod:`entreg.losses.kernels` are launched, and for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from entreg.losses import kernels
from entreg.losses.plain import Coefficient, Reduction, Spec

DTYPES = (torch.float32, torch.bfloat16, torch.float16)
_LARGEST_BLOCK = 4096  # classes at once: 16 of each thread
_COLUMNS = 5  # rows of what the samples add to the sums: loss, weight, CE, H, RCE; as many are kept for the gradient


def fits(logits: Tensor, target: Tensor) -> bool:
    """Whether the kernels take these: ``(N, C)``, the classes side by side, in one of :data:`DTYPES`."""
    return (
        logits.ndim == 2
        and logits.dtype in DTYPES
        and len(logits) > 0
        and logits.stride(1) == 1
        and (target.ndim == 1 or target.stride(1) == 1)
    )


def evaluate(
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None,
    spec: Spec,
    reduction: Reduction,
    coefficients: Sequence[Coefficient],
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """Return the loss and what :func:`gradients` needs of this call.

    Args:
        logits: ``(N, C)``, see :func:`fits`.
        target: class indices ``(N,)`` or probabilities ``(N, C)``.
        weight: class weights ``(C,)``.
        spec: what is computed.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        coefficients: one for each of ``spec.terms``, numbers or scalar tensors.
    """
    samples = len(logits)
    rows = logits.new_empty(2 * _COLUMNS, samples, dtype=torch.float32)
    common = _arguments(logits, target, weight, spec, coefficients)
    block = _block(logits.shape[1])
    with torch.cuda.device_of(logits):  # Triton launches on the current one
        kernels.evaluate[(samples,)](rows, **common, BLOCK=block, num_warps=_warps(block))
    if reduction == "none":
        return rows[0], (rows, rows)
    totals = rows[:_COLUMNS].sum(1)
    if reduction == "sum":
        return totals[0], (rows, totals)
    return totals[0] / (samples if target.ndim == 2 else totals[1]), (rows, totals)


def gradients(
    gradient: Tensor,
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None,
    spec: Spec,
    reduction: Reduction,
    coefficients: Sequence[Coefficient],
    kept: tuple[Tensor, ...],
    learnt: Sequence[bool],
) -> tuple[Tensor, list[Tensor | None]]:
    """Return the gradients for the logits and for those coefficients that are learnt.

    Args:
        gradient: what arrives at the loss.
        kept: what :func:`evaluate` returned besides the loss; the other arguments are those that it had.
        learnt: which coefficients are.
    """
    rows, totals = kept
    out = torch.empty_like(logits)
    common = _arguments(logits, target, weight, spec, coefficients)
    block = _block(logits.shape[1])
    with torch.cuda.device_of(logits):
        kernels.gradient_of[(len(logits), -(-logits.shape[1] // block))](
            gradient,
            rows,
            totals,
            out,
            gradient_stride=gradient.stride(0) if gradient.ndim else 0,
            out_stride=out.stride(0),
            **common,
            MEAN=reduction == "mean",
            BLOCK=block,
            num_warps=_warps(block),
        )
    if not any(learnt):
        return out, [None] * len(learnt)
    if reduction == "none":
        of_terms = (rows[2:_COLUMNS] * gradient).sum(1)
    else:
        of_terms = totals[2:] * gradient
        if reduction == "mean":
            of_terms = of_terms / (len(logits) if target.ndim == 2 else totals[1])
    by_name = dict(zip(("ce", "entropy", "rce"), of_terms.unbind(), strict=True))
    return out, [by_name[term] if is_learnt else None for term, is_learnt in zip(spec.terms, learnt, strict=True)]


def _arguments(
    logits: Tensor, target: Tensor, weight: Tensor | None, spec: Spec, coefficients: Sequence[Coefficient]
) -> dict[str, Any]:
    """What both kernels are told, by the names of their parameters."""
    by_term: dict[str, Coefficient] = dict.fromkeys(("ce", "entropy", "rce"), 0.0)
    by_term |= dict(zip(spec.terms, coefficients, strict=True))
    named = {f"c_{term}": c.to(logits.device) if isinstance(c, Tensor) else c for term, c in by_term.items()}
    named |= {f"{term.upper()}_FROM": _origin(coefficient) for term, coefficient in by_term.items()}
    return {
        "logits": logits,
        "target": target,
        "class_weight": logits if weight is None else weight.contiguous(),
        **named,
        "logits_stride": logits.stride(0),
        "target_stride": target.stride(0),
        "samples": len(logits),
        "classes": logits.shape[1],
        "eps": spec.eps,
        "ignore_index": spec.ignore_index,
        "smoothing": spec.label_smoothing,
        "SOFT": target.ndim == 2,
        "DENSE": spec.dense,
        "ENTROPY": spec.entropy,
        "RCE": spec.rce,
        "WEIGHTED": weight is not None,
        "UNLABELLED": spec.unlabelled,
    }


def _block(classes: int) -> int:
    """How many classes a program looks at at once: a power of 2."""
    return min(1 << (classes - 1).bit_length(), _LARGEST_BLOCK)


def _warps(block: int) -> int:
    """Warps of a program: 8 classes or more of each thread."""
    return max(1, min(8, block // 256))


def _origin(coefficient: Coefficient) -> int:
    """Say where the kernels find a coefficient."""
    if isinstance(coefficient, Tensor):
        return kernels.IN_MEMORY.value
    return kernels.NOWHERE.value if coefficient == 0 else kernels.GIVEN.value
