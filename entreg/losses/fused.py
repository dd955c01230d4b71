r"""A loss and its gradient in closed form, block by block, as one node of the autograd graph.

The forward pass evaluates the plain terms on one block of samples at a time, and keeps nothing of the size of the
logits. The backward pass forms the gradient in place, with :math:`p = \mathrm{softmax}(z)` and :math:`v` the weighted
target:

.. math::
    \frac{\partial CE}{\partial z_j} = p_j \sum_k v_k - v_j, \qquad
    \frac{\partial H}{\partial z_j} = -p_j (\ln p_j + H), \qquad
    \frac{\partial RCE}{\partial z_j} = -p_j (\ln\tilde q_j + RCE).

So the only allocation of the size of the logits is their gradient, where the plain form keeps several.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from entreg.losses.rows import LOWEST, Coefficient, Spec, combine, counts, distribution, rows, scaled

WORTHWHILE = 2**17  # logits: with fewer, what a node written in Python costs outweighs what it saves
_FIRST_COEFFICIENT = 5  # among the arguments
_CPU_BLOCK = 2**20  # logits: a few megabytes, what caches hold; 2**17 to 2**21 were about as fast
_OTHER_BLOCKS = 8  # on an accelerator: temporaries of an eighth of the logits, few kernel launches


class FusedLoss(torch.autograd.Function):
    """The terms of ``spec`` times their coefficients, reduced, and, not to be differentiated, the terms themselves.

    Called with logits, target, class weights, ``spec``, the reduction and a coefficient for each term. Under
    ``create_graph`` and under :mod:`torch.func`, and for the gradients of target and class weights, it is the plain
    form that is differentiated.
    """

    @staticmethod
    def forward(*arguments: Any) -> tuple[Tensor, ...]:
        """Evaluate block by block."""
        logits, target, weight, spec, reduction, *coefficients = arguments
        parts = [rows(logits[block], target[block], weight, spec) for block in _blocks(logits)]
        values = parts[0] if len(parts) == 1 else tuple(torch.cat(column) for column in zip(*parts, strict=True))
        return combine(values, coefficients, counts(target, weight, spec), spec, reduction), *values

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep the arguments and the terms, not the probabilities."""
        ctx.mark_non_differentiable(*output[1:])
        ctx.others = [None if isinstance(argument, Tensor) else argument for argument in inputs]
        tensors = [argument if isinstance(argument, Tensor) else None for argument in inputs]
        ctx.save_for_backward(*tensors, *output[1:])
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Form the gradients for the logits and the coefficients."""
        arguments, values = _saved(ctx)
        # Gradients are enabled where this one is itself to be differentiated.
        if torch.is_grad_enabled() or any(ctx.needs_input_grad[1:3]) or _is_batched(gradient):
            return _pulled_back(gradient, arguments)
        return _gradients(gradient, arguments, values)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        """Push tangents of the arguments through the plain form."""
        arguments, _ = _saved(ctx)
        plain, inputs, positions = _plain(arguments)
        given = [tangents[position] for position in positions]
        pushed = tuple(torch.zeros_like(x) if t is None else t for x, t in zip(inputs, given, strict=True))
        # J v as the transpose of u -> J^T u, which is linear: forward mode does not nest.
        loss, pullback, *_ = torch.func.vjp(plain, *inputs)
        _, transposed, *_ = torch.func.vjp(pullback, torch.zeros_like(loss))
        spec = arguments[3]
        return transposed(pushed)[0], *[None] * (1 + spec.entropy + spec.rce)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Evaluate the plain form under :func:`torch.func.vmap`."""
        spec, reduction = arguments[3:5]

        def plain(logits: Tensor, target: Tensor, weight: Tensor | None, *coefficients: Coefficient) -> Any:
            values = rows(logits, target, weight, spec)
            return combine(values, coefficients, counts(target, weight, spec), spec, reduction), *values

        out = torch.func.vmap(plain, (*in_dims[:3], *in_dims[_FIRST_COEFFICIENT:]))(
            *arguments[:3], *arguments[_FIRST_COEFFICIENT:]
        )
        return out, (0,) * len(out)


def _saved(ctx: Any) -> tuple[tuple[Any, ...], tuple[Tensor, ...]]:
    """Return the arguments and the terms of a call."""
    count = len(ctx.others)
    tensors = ctx.saved_tensors
    arguments = (other if tensor is None else tensor for tensor, other in zip(tensors[:count], ctx.others, strict=True))
    return tuple(arguments), tensors[count:]


def _is_batched(gradient: Tensor) -> bool:
    """Whether many gradients arrive at once (``is_grads_batched``): they change no single tensor in place."""
    try:
        torch.zeros(gradient.shape, dtype=gradient.dtype, device=gradient.device).add_(gradient)
    except RuntimeError:
        return True
    return False


def _plain(arguments: Sequence[Any]) -> tuple[Callable[..., Tensor], tuple[Tensor, ...], list[int]]:
    """Return the loss as a function of its floating point arguments, these, and their positions."""
    positions = [i for i, a in enumerate(arguments) if isinstance(a, Tensor) and a.is_floating_point()]

    def loss(*inputs: Tensor) -> Tensor:
        full = list(arguments)
        for position, value in zip(positions, inputs, strict=True):
            full[position] = value
        logits, target, weight, spec, reduction, *coefficients = full
        counted = counts(target, weight, spec)
        return combine(rows(logits, target, weight, spec), coefficients, counted, spec, reduction)

    return loss, tuple(arguments[position] for position in positions), positions


def _pulled_back(gradient: Tensor, arguments: Sequence[Any]) -> tuple[Tensor | None, ...]:
    """Return the gradients of the plain form for all arguments."""
    plain, inputs, positions = _plain(arguments)
    out: list[Tensor | None] = [None] * len(arguments)
    for position, value in zip(positions, torch.func.vjp(plain, *inputs)[1](gradient), strict=True):
        out[position] = value
    return tuple(out)


def _gradients(gradient: Tensor, arguments: Sequence[Any], values: Sequence[Tensor]) -> tuple[Tensor | None, ...]:
    """Return the gradients in closed form for the logits and those coefficients that are tensors."""
    logits, target, weight, spec, reduction, *coefficients = arguments
    counted = counts(target, weight, spec)
    if reduction == "mean":
        gradient = gradient / counted.normalizer
    slopes: list[Tensor] = []  # what arrives at each term of each sample, or of all
    of_coefficients: list[Tensor | None] = []
    for position, (value, coefficient) in enumerate(zip(values, coefficients, strict=True)):
        arriving = gradient
        if counted.sample_weight is not None and not (position == 0 and spec.dense):
            arriving = gradient * counted.sample_weight
        slopes.append((arriving * coefficient).to(spec.dtype))
        of_coefficients.append((arriving * value).sum() if isinstance(coefficient, Tensor) else None)
    rows_of = _rows_of(target, spec, values, slopes)
    out = torch.empty_like(logits)
    for block in _blocks(out):
        _write(out[block], logits[block], target[block], weight, spec, rows_of.at(block))
    return out, None, None, None, None, *of_coefficients


class _Rows(NamedTuple):
    """What :func:`_write` needs of each sample, ``(N, 1, ...)``: slopes of CE, H and a dense RCE, and a constant."""

    ce: Tensor
    constant: Tensor
    entropy: Tensor | None
    rce: Tensor | None

    def each(self, change: Callable[[Tensor], Tensor]) -> _Rows:
        optional = (None if slope is None else change(slope) for slope in self[2:])
        return _Rows(change(self.ce), change(self.constant), *optional)

    def at(self, block: slice) -> _Rows:
        return self.each(lambda slope: slope[block])


def _rows_of(target: Tensor, spec: Spec, values: Sequence[Tensor], slopes: Sequence[Tensor]) -> _Rows:
    ce, entropy, rce = slopes[0], slopes[1] if spec.entropy else None, slopes[-1] if spec.rce else None
    if not target.is_floating_point():
        keep = target != spec.ignore_index
        if entropy is not None:
            for_ignored = 0.0 if not spec.unlabelled else entropy if rce is None else entropy + rce  # RCE is H there
            entropy = torch.where(keep, entropy, for_ignored)
        if rce is not None and not spec.dense:  # it is (1 - p_y)(-ln eps), a function of CE
            ce, rce = ce - rce * math.log(spec.eps) * torch.exp(-values[0]), None
        ce = torch.where(keep, ce, 0.0)
        rce = None if rce is None else torch.where(keep, rce, 0.0)
    constant = torch.zeros_like(ce) if spec.dense else ce
    if entropy is not None:
        constant = constant - entropy * values[1]
    if rce is not None:
        constant = constant - rce * values[-1]
    rows_of = _Rows(ce, constant, entropy, rce)
    return rows_of.each(lambda slope: slope.expand(values[0].shape).unsqueeze(1))


def _write(out: Tensor, logits: Tensor, target: Tensor, weight: Tensor | None, spec: Spec, of: _Rows) -> None:
    """Write the gradient of one block into ``out``: ``p * (constant + sum(v) - h ln p - r ln q~) - v``."""
    p = out if out.dtype == spec.dtype else torch.empty_like(out, dtype=spec.dtype)
    factor = of.constant
    q = v = None
    if spec.dense:
        q = distribution(target, logits, spec)
        v = scaled(q, weight) * of.ce
        factor = factor + v.sum(1, keepdim=True)
    if of.entropy is None:
        torch.softmax(logits, 1, dtype=spec.dtype, out=p)
    else:
        log_p = torch.log_softmax(logits, 1, dtype=spec.dtype)
        torch.exp(log_p, out=p)
        factor = log_p.clamp_(min=LOWEST).mul_(-of.entropy).add_(factor)
    if of.rce is not None and q is not None:
        factor = q.clamp(spec.eps, 1.0).log_().mul_(-of.rce).add_(factor)
    p.mul_(factor)
    if v is None:
        index = torch.where(target == spec.ignore_index, 0, target)
        p.scatter_add_(1, index.unsqueeze(1), -of.ce)
    else:
        p.sub_(v)
    if p is not out:
        out.copy_(p)


def _blocks(logits: Tensor) -> Iterator[slice]:
    samples, size = len(logits), max(logits.numel(), 1)
    block = _CPU_BLOCK if logits.device.type == "cpu" else math.ceil(size / _OTHER_BLOCKS)
    length = max(1, block * samples // size)
    return (slice(start, start + length) for start in range(0, max(samples, 1), length))
