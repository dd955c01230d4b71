"""The formulas of the paper in plain float64 NumPy, and strategies that draw their arguments."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays


def softmax(scores: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    odds = np.exp(scores - scores.max(-1, keepdims=True))
    return odds / odds.sum(-1, keepdims=True)


def log_softmax(scores: np.ndarray) -> np.ndarray:
    """Over the last axis."""
    shifted = scores - scores.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def times(factor: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Product with 0 * inf = 0, as in 0 * log 0."""
    with np.errstate(invalid="ignore"):
        return np.where(factor == 0, 0.0, factor * value)


def family(
    logits: np.ndarray,
    target: np.ndarray,
    *,
    ce: float | np.ndarray = 0.0,
    entropy: float | np.ndarray = 0.0,
    rce: float | np.ndarray = 0.0,
    kl: float = 0.0,
    penalty: float = 0.0,
    base: float = math.e,
    eps: float = 1e-6,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    label_smoothing: float = 0.0,
    unlabelled: bool = False,
    reduction: str = "mean",
) -> np.ndarray:
    """``ce * CE_b(q, p) + entropy * H_b(p) + rce * RCE_b(p, q) + kl * KL_b(p || q~) + penalty``.

    A coefficient ``(C,)`` multiplies each class's part of its sum.
    """
    classes = logits.shape[0 if logits.ndim == 1 else 1]
    logits = np.asarray(logits, np.float64)
    z = logits if logits.ndim == 1 else np.moveaxis(logits, 1, -1)
    w = np.ones(classes) if weight is None else weight
    hard = not np.issubdtype(target.dtype, np.floating)
    if hard:
        keep = target != ignore_index
        y = np.where(keep, target, 0)
        q = np.eye(classes)[y]
        sample_weight = np.where(keep, w[y], float(unlabelled))
        count = sample_weight.sum()
    else:
        q = np.asarray(target if target.ndim == 1 else np.moveaxis(target, 1, -1), np.float64)
        keep = np.ones(q.shape[:-1], bool)
        count = math.prod(q.shape[:-1])
    q = (1 - label_smoothing) * q + label_smoothing / classes
    if not hard:
        sample_weight = (w * q).sum(-1) if weight is not None else np.ones(q.shape[:-1])
    p, log_p = softmax(z), log_softmax(z)
    log_q = np.where(keep[..., None], np.log(np.clip(q, eps, 1.0)), np.where(p == 0, 0.0, log_p))
    values = times(keep, -times(ce * w * q, log_p).sum(-1))
    values = values + sample_weight * -times(entropy * p, log_p).sum(-1)
    values = values + sample_weight * -(rce * p * log_q).sum(-1)
    values = values + sample_weight * kl * times(p, log_p - log_q).sum(-1)
    values = values / math.log(base) + penalty * sample_weight
    with np.errstate(invalid="ignore"):
        return {"none": values, "sum": values.sum(), "mean": values.sum() / count}[reduction]


def as_tensors(options: dict[str, Any]) -> dict[str, Any]:
    """Keyword arguments of the oracle as those of the PyTorch function."""
    return {name: torch.tensor(value) if isinstance(value, np.ndarray) else value for name, value in options.items()}


@dataclass(frozen=True)
class Case:
    """Arguments of a loss as NumPy arrays."""

    logits: np.ndarray
    target: np.ndarray
    weight: np.ndarray | None
    eps: float
    base: float
    ignore_index: int
    label_smoothing: float
    unlabelled: bool
    reduction: str

    @property
    def classes(self) -> int:
        """Number of classes."""
        return self.logits.shape[0 if self.logits.ndim == 1 else 1]

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and target."""
        return torch.tensor(self.logits), torch.tensor(self.target)

    def options(self, *names: str) -> dict[str, Any]:
        """Keyword arguments of the oracle by name."""
        return {name: getattr(self, name) for name in names}

    def torch_options(self, *names: str) -> dict[str, Any]:
        """Keyword arguments of the PyTorch function by name."""
        values = self.options(*names)
        return as_tensors(values)


def logit_arrays(shape: tuple[int, ...], bound: float = 30.0) -> st.SearchStrategy[np.ndarray]:
    """Logits in ``[-bound, bound]``."""
    return arrays(np.float64, shape, elements=st.floats(-bound, bound, allow_subnormal=False))


@st.composite
def cases(draw: st.DrawFn, hard: bool) -> Case:
    """Unbatched, batched or dense logits with class indices (``hard``) or probabilities as the target."""
    classes = draw(st.integers(2, 5))
    samples = draw(st.sampled_from([(), (1,), (4,), (2, 3), (2, 1, 2)]))
    shape = (*samples[:1], classes, *samples[1:])
    ignore_index = -100
    if hard:
        ignore_index = draw(st.sampled_from([-100, -1, 0]))
        labels = st.sampled_from([*range(classes), ignore_index])
        target = draw(arrays(np.int64, samples, elements=labels))
        target.flat[0] = draw(st.integers(1, classes - 1))
    else:
        odds = draw(arrays(np.float64, shape, elements=st.sampled_from([0.0, 0.0, 1.0, 2.5])))
        axis = 1 if samples else 0
        odds.swapaxes(0, axis)[0] += 0.5
        target = odds / odds.sum(axis, keepdims=True)
    return Case(
        logits=draw(logit_arrays(shape)),
        target=target,
        weight=draw(st.none() | arrays(np.float64, classes, elements=st.floats(0.1, 5.0))),
        eps=draw(st.sampled_from([1e-12, 1e-6, math.exp(-4), 0.5])),
        base=draw(st.sampled_from([1.01, 2.0, math.e, 10.73])),
        ignore_index=ignore_index,
        label_smoothing=draw(st.sampled_from([0.0, 0.1, 1.0])),
        unlabelled=draw(st.booleans()),
        reduction=draw(st.sampled_from(["none", "mean", "sum"])),
    )
