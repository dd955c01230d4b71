"""The terms CE, H and RCE of every sample and what each counts: the plain form, which autograd differentiates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from entreg.losses.checks import check_reduction

Reduction = Literal["none", "mean", "sum"]
Coefficient = float | Tensor
ClassCoefficients = Mapping[str, Tensor]
LOWEST = -2000.0  # below the logarithm of the smallest float64: p ln p is 0 there, not 0 * inf


class Spec(NamedTuple):
    """What is computed, besides tensors: a constant of the call.

    Attributes:
        dtype: in which it is computed.
        eps: floor of the target in RCE.
        ignore_index: class index of samples whose terms are 0.
        label_smoothing: share of the target that is spread over all classes.
        unlabelled: whether ignored samples keep H, and have it for their RCE.
        dense: the target is a distribution: given as one, smoothed, or needed as one.
        entropy: whether H is asked for.
        rce: whether RCE is asked for.
    """

    dtype: torch.dtype
    eps: float
    ignore_index: int
    label_smoothing: float
    unlabelled: bool
    dense: bool
    entropy: bool
    rce: bool

    @property
    def terms(self) -> tuple[str, ...]:
        """Names of the terms that are computed, in the order in which they are returned."""
        if self.entropy and self.rce:
            return ("ce", "entropy", "rce")
        if self.entropy:
            return ("ce", "entropy")
        return ("ce", "rce") if self.rce else ("ce",)


def sample_terms(
    logits: Tensor,
    target: Tensor,
    weight: Tensor | None,
    spec: Spec,
    class_coefficients: ClassCoefficients | None = None,
) -> tuple[Tensor, ...]:
    r"""Return the terms of ``spec`` for logits ``(N, C, ...)``, each ``(N, ...)``, in nats: CE, then H, then RCE.

    Class weights act inside the sum of a dense CE and nowhere else. ``class_coefficients`` multiply each class's part
    of a term (log bases per class), by the names ``ce``, ``entropy`` and ``rce``; they need ``dense``.
    """
    scales = class_coefficients or {}
    log_p = F.log_softmax(logits, 1, dtype=spec.dtype)
    p = log_p.exp() if spec.entropy or (spec.dense and spec.rce) else None
    h = None
    if spec.entropy and p is not None:
        h = entropy_of(log_p, scaled(p, scales.get("entropy")))
    if spec.dense:
        ce, rce = _of_distribution(log_p, p, distribution(target, logits, spec), weight, spec, scales)
    else:
        ce, rce = _of_index(log_p, target, spec)
    if (spec.dense or spec.entropy) and not target.is_floating_point():
        # where(), not a product with 0: an ignored sample may hold an infinite or undefined term.
        keep = target != spec.ignore_index
        ce = torch.where(keep, ce, 0.0)
        if rce is not None:
            if spec.unlabelled and p is not None:  # KL is 0 without a label, so RCE is H, by its own coefficients
                rce = torch.where(keep, rce, entropy_of(log_p, scaled(p, scales.get("rce"))))
            else:
                rce = torch.where(keep, rce, 0.0)
        if h is not None and not spec.unlabelled:
            h = torch.where(keep, h, 0.0)
    return tuple(term for term in (ce, h, rce) if term is not None)


def _of_index(log_p: Tensor, target: Tensor, spec: Spec) -> tuple[Tensor, Tensor | None]:
    """CE and, as a function of it, RCE of class indices; 0 where ignored."""
    ce = F.nll_loss(log_p, target, ignore_index=spec.ignore_index, reduction="none")
    # (1 - p_y)(-ln eps), exact where p_y is close to 1
    return ce, torch.expm1(-ce) * math.log(spec.eps) if spec.rce else None


def _of_distribution(
    log_p: Tensor, p: Tensor | None, q: Tensor, weight: Tensor | None, spec: Spec, scales: ClassCoefficients
) -> tuple[Tensor, Tensor | None]:
    """CE and RCE of a distribution."""
    wq = scaled(scaled(q, weight), scales.get("ce"))
    # 0 * ln 0 = 0, in value and gradient
    ce = -(wq * log_p.masked_fill((wq == 0) & (log_p == -math.inf), 0.0)).sum(1)
    if p is None or not spec.rce:
        return ce, None
    return ce, -(scaled(p, scales.get("rce")) * q.clamp(spec.eps, 1.0).log()).sum(1)


class Counts(NamedTuple):
    """What each sample counts, ``None`` for 1 each or 0 where ignored, and what the mean divides the sum by."""

    sample_weight: Tensor | None
    normalizer: Tensor | int

    def weigh(self, values: Tensor, term: str, spec: Spec) -> Tensor:
        """Multiply what belongs to a term of each sample by the sample's weight, where the term does not hold it yet.

        The CE of a dense target does: its class weights act inside the sum over classes.
        """
        if self.sample_weight is None or (term == "ce" and spec.dense):
            return values
        return values * self.sample_weight

    def of_each(self, target: Tensor, spec: Spec) -> Tensor:
        """Return the weights of the samples where they are 1 or 0 too, ``(N, ...)``."""
        if self.sample_weight is not None:
            return self.sample_weight
        if target.is_floating_point():
            return torch.ones_like(target[:, 0], dtype=spec.dtype)
        return ((target != spec.ignore_index) | spec.unlabelled).to(spec.dtype)


def counts(target: Tensor, weight: Tensor | None, spec: Spec) -> Counts:
    """Return what each sample of a target ``(N, ...)`` or ``(N, C, ...)`` counts."""
    if target.is_floating_point():
        normalizer = target.numel() // target.shape[1]
        return Counts(None if weight is None else scaled(distribution(target, target, spec), weight).sum(1), normalizer)
    keep = target != spec.ignore_index
    if weight is None:
        return Counts(None, target.numel() if spec.unlabelled else keep.sum())
    sample_weight = torch.where(keep, weight[torch.where(keep, target, 0)], 1.0 if spec.unlabelled else 0.0)
    return Counts(sample_weight, sample_weight.sum())


def combine(
    values: Sequence[Tensor], coefficients: Sequence[Coefficient], counted: Counts, spec: Spec, reduction: Reduction
) -> Tensor:
    """Sum terms times coefficients times sample weights, and reduce."""
    total = None
    for term, value, coefficient in zip(spec.terms, values, coefficients, strict=True):
        if not isinstance(coefficient, Tensor) and coefficient == 0:
            continue  # a term that is off may be infinite
        part = counted.weigh(value, term, spec) * coefficient
        total = part if total is None else total + part
    if total is None:
        total = values[0] * 0.0
    return reduce(total, counted.normalizer, reduction)


def reduce(values: Tensor, normalizer: Tensor | int, reduction: Reduction) -> Tensor:
    """Reduce per-sample values as PyTorch does, the mean being ``sum / normalizer``."""
    check_reduction(reduction)
    if reduction == "none":
        return values
    return divided(values.sum(), normalizer, math.nan) if reduction == "mean" else values.sum()


def divided(total: Tensor, normalizer: Tensor | int, empty: float) -> Tensor:
    """Return ``total / normalizer``; where no sample counts, ``empty`` with gradient 0, as PyTorch's losses do."""
    if isinstance(normalizer, int):
        return total / normalizer
    nothing = normalizer == 0
    return torch.where(nothing, empty, total / torch.where(nothing, 1, normalizer))


def entropy_of(log_p: Tensor, p: Tensor) -> Tensor:
    r"""Return :math:`-\sum_k p_k \ln p_k` over dimension 1, with :math:`0 \ln 0 = 0` in value and gradient."""
    return -(p * log_p.clamp(min=LOWEST)).sum(1)


def distribution(target: Tensor, logits: Tensor, spec: Spec) -> Tensor:
    """Return the target as probabilities ``(N, C, ...)``, smoothed; an ignored index stands for class 0."""
    if target.is_floating_point():
        q = target.to(spec.dtype)
    else:
        index = torch.where(target == spec.ignore_index, 0, target)
        q = torch.zeros_like(logits, dtype=spec.dtype).scatter(1, index.unsqueeze(1), 1.0)
    smoothing = spec.label_smoothing
    return q if smoothing == 0 else q * (1 - smoothing) + smoothing / logits.shape[1]


def scaled(values: Tensor, vector: Tensor | None) -> Tensor:
    """Multiply by a vector ``(C,)`` along dimension 1."""
    return values if vector is None else values * vector.to(values.dtype).view(-1, *[1] * (values.ndim - 2))
