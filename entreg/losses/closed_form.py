r"""The gradient of the loss in closed form, written block by block into one tensor.

With :math:`p = \mathrm{softmax}(z)` and :math:`v` the weighted target,

.. math::
    \frac{\partial CE}{\partial z_j} = p_j \sum_k v_k - v_j, \qquad
    \frac{\partial H}{\partial z_j} = -p_j (\ln p_j + H), \qquad
    \frac{\partial RCE}{\partial z_j} = -p_j (\ln\tilde q_j + RCE).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from entreg.losses.plain import (
    LOWEST,
    Coefficient,
    Reduction,
    Spec,
    combine,
    counts,
    distribution,
    divided,
    sample_terms,
    scaled,
)

_CPU_BLOCK = 2**20  # logits: a few megabytes, what caches hold; 2**17 to 2**21 were about as fast
_OTHER_BLOCK = 2**26  # on an accelerator: a launch costs as much as a million logits


def blocks(logits: Tensor) -> Iterator[slice]:
    """Slices of the samples that are computed at once, at least one."""
    samples, size = len(logits), max(logits.numel(), 1)
    block = _CPU_BLOCK if logits.device.type == "cpu" else _OTHER_BLOCK
    length = max(1, block * samples // size)
    return (slice(start, start + length) for start in range(0, max(samples, 1), length))


class Blocks(NamedTuple):
    """The loss and its grad_output, evaluated block by block in PyTorch.

    Attributes:
        spec: what is computed.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
    """

    spec: Spec
    reduction: Reduction

    def coefficients(self, sources: Sequence[Coefficient]) -> Sequence[Coefficient]:
        """Return the coefficients, which are their own sources."""
        return sources

    def evaluate(
        self, logits: Tensor, target: Tensor, weight: Tensor | None, sources: Sequence[Coefficient]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the loss and, for :meth:`gradients`, the terms of each sample.

        Args:
            logits: ``(N, C, ...)``.
            target: class indices ``(N, ...)`` or probabilities of the shape of the logits.
            weight: class weights ``(C,)``.
            sources: a coefficient for each of ``spec.terms``, numbers or scalar tensors.
        """
        spec = self.spec
        parts = [sample_terms(logits[block], target[block], weight, spec) for block in blocks(logits)]
        values = parts[0] if len(parts) == 1 else tuple(torch.cat(column) for column in zip(*parts, strict=True))
        return combine(values, sources, counts(target, weight, spec), spec, self.reduction), values

    def gradients(
        self,
        grad_output: Tensor,
        logits: Tensor,
        target: Tensor,
        weight: Tensor | None,
        sources: Sequence[Coefficient],
        kept: Sequence[Tensor],
        learnt: Sequence[bool],
    ) -> tuple[Tensor, Sequence[Tensor | None]]:
        """Return the gradients for the logits and for those sources that are learnt.

        Args:
            grad_output: what arrives at the loss.
            logits, target, weight, sources: what :meth:`evaluate` had.
            kept: what it returned besides the loss.
            learnt: which sources are.
        """
        spec = self.spec
        counted = counts(target, weight, spec)
        if self.reduction == "mean":
            grad_output = divided(grad_output, counted.normalizer, 0.0)
        arriving_at: dict[str, Tensor] = {}
        of_coefficients: list[Tensor | None] = []
        for term, value, coefficient, is_learnt in zip(spec.terms, kept, sources, learnt, strict=True):
            arriving = counted.weigh(grad_output, term, spec)
            arriving_at[term] = (arriving * coefficient).to(spec.dtype)
            of_coefficients.append((arriving * value).sum() if is_learnt else None)
        slopes = _slopes(target, spec, dict(zip(spec.terms, kept, strict=True)), arriving_at)
        out = torch.empty_like(logits)
        for block in blocks(out):
            _write(out[block], logits[block], target[block], weight, spec, slopes.at(block))
        return out, of_coefficients


class _Slopes(NamedTuple):
    """Derivatives of the loss by the terms of each sample, ``(N, 1, ...)``, and a constant of the sample.

    ``rce`` is there for a dense target only: with class indices RCE is a function of CE, whose slope takes it in.
    """

    ce: Tensor
    constant: Tensor
    entropy: Tensor | None
    rce: Tensor | None

    def each(self, change: Callable[[Tensor], Tensor]) -> _Slopes:
        return _Slopes(
            change(self.ce),
            change(self.constant),
            None if self.entropy is None else change(self.entropy),
            None if self.rce is None else change(self.rce),
        )

    def at(self, block: slice) -> _Slopes:
        return self.each(lambda slope: slope[block])


def _slopes(target: Tensor, spec: Spec, values: Mapping[str, Tensor], arriving: Mapping[str, Tensor]) -> _Slopes:
    """Slopes of every sample, from the values of its terms and what arrives at them."""
    ce, entropy, rce = arriving["ce"], arriving.get("entropy"), arriving.get("rce")
    if not target.is_floating_point():
        keep = target != spec.ignore_index
        if entropy is not None:
            for_ignored: Tensor | float = 0.0
            if spec.unlabelled:
                for_ignored = entropy
                if rce is not None:  # without a label RCE is H
                    for_ignored = entropy + rce
            entropy = torch.where(keep, entropy, for_ignored)
        if rce is not None and not spec.dense:  # RCE is (1 - p_y)(-ln eps), and p_y is exp(-CE)
            ce = ce - rce * math.log(spec.eps) * torch.exp(-values["ce"])
            rce = None
        ce = torch.where(keep, ce, 0.0)
        if rce is not None:
            rce = torch.where(keep, rce, 0.0)
    constant = torch.zeros_like(ce) if spec.dense else ce
    if entropy is not None:
        constant = constant - entropy * values["entropy"]
    if rce is not None:
        constant = constant - rce * values["rce"]
    shape = values["ce"].shape
    return _Slopes(ce, constant, entropy, rce).each(lambda slope: slope.expand(shape).unsqueeze(1))


def _write(out: Tensor, logits: Tensor, target: Tensor, weight: Tensor | None, spec: Spec, slopes: _Slopes) -> None:
    """Write the gradient of one block into ``out``.

    It is ``p * (constant + sum(v) - entropy * ln p - rce * ln q~) - v`` by the names of the slopes, with ``v`` the
    weighted target times the slope of CE. The sum of ``v`` of class indices, which is that slope, is in the constant.
    """
    p = out if out.dtype == spec.dtype else torch.empty_like(out, dtype=spec.dtype)
    factor = slopes.constant
    q = v = None
    if spec.dense:
        q = distribution(target, logits, spec)
        v = scaled(q, weight) * slopes.ce
        factor = factor + v.sum(1, keepdim=True)
    if slopes.entropy is None:
        torch.softmax(logits, 1, dtype=spec.dtype, out=p)
    else:
        log_p = torch.log_softmax(logits, 1, dtype=spec.dtype)
        torch.exp(log_p, out=p)
        factor = log_p.clamp_(min=LOWEST).mul_(-slopes.entropy).add_(factor)
    if slopes.rce is not None and q is not None:
        factor = q.clamp(spec.eps, 1.0).log_().mul_(-slopes.rce).add_(factor)
    p.mul_(factor)
    if v is None:
        index = torch.where(target == spec.ignore_index, 0, target)
        p.scatter_add_(1, index.unsqueeze(1), -slopes.ce)
    else:
        p.sub_(v)
    if p is not out:
        out.copy_(p)
