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
    ce: float = 0.0,
    entropy: float = 0.0,
    rce: float = 0.0,
    kl: float = 0.0,
    base: float = math.e,
    eps: float = 1e-6,
    weight: np.ndarray | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> np.ndarray:
    """``ce * CE_b(q, p) + entropy * H_b(p) + rce * RCE_b(p, q) + kl * KL_b(p || q~)``."""
    classes = logits.shape[0 if logits.ndim == 1 else 1]
    logits = np.asarray(logits, np.float64)
    z = logits if logits.ndim == 1 else np.moveaxis(logits, 1, -1)
    w = np.ones(classes) if weight is None else weight
    hard = not np.issubdtype(target.dtype, np.floating)
    if hard:
        keep = target != ignore_index
        y = np.where(keep, target, 0)
        q = np.eye(classes)[y]
        sample_weight = w[y] * keep
        ce_weight = sample_weight[..., None]
        count = sample_weight.sum()
    else:
        q = np.asarray(target if target.ndim == 1 else np.moveaxis(target, 1, -1), np.float64)
        sample_weight = (w * q).sum(-1) if weight is not None else np.ones(q.shape[:-1])
        ce_weight = w
        count = math.prod(q.shape[:-1])
    p, log_p = softmax(z), log_softmax(z)
    log_q = np.log(np.clip(q, eps, 1.0))
    values = ce * -times(ce_weight * q, log_p).sum(-1)
    values = values + entropy * sample_weight * -times(p, log_p).sum(-1)
    values = values + rce * sample_weight * -(p * log_q).sum(-1)
    values = values + kl * sample_weight * times(p, log_p - log_q).sum(-1)
    values = values / math.log(base)
    return {"none": values, "sum": values.sum(), "mean": values.sum() / count}[reduction]


@dataclass(frozen=True)
class Case:
    """Arguments of a loss as NumPy arrays."""

    logits: np.ndarray
    target: np.ndarray
    weight: np.ndarray | None
    eps: float
    base: float
    ignore_index: int
    reduction: str

    def tensors(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and target."""
        return torch.tensor(self.logits), torch.tensor(self.target)

    def options(self, *names: str) -> dict[str, Any]:
        """Keyword arguments of the oracle by name."""
        return {name: getattr(self, name) for name in names}

    def torch_options(self, *names: str) -> dict[str, Any]:
        """Keyword arguments of the PyTorch function by name."""
        values = self.options(*names)
        if values.get("weight") is not None:
            values["weight"] = torch.tensor(values["weight"])
        return values


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
        reduction=draw(st.sampled_from(["none", "mean", "sum"])),
    )
