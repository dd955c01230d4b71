"""A loss and its gradient, block by block, as one node of the autograd graph.

The forward pass evaluates the plain terms on one block of samples at a time, and keeps nothing of the size of the
logits. The backward pass forms the gradient in closed form (:mod:`entreg.losses.closed_form`), in place. So the only
allocation of the size of the logits is their gradient, where the plain form keeps several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from entreg.losses.closed_form import blocks, gradients
from entreg.losses.plain import Coefficient, combine, counts, sample_terms

WORTHWHILE = 2**17  # logits: with fewer, what a node written in Python costs outweighs what it saves
_FIRST_COEFFICIENT = 5  # among the arguments


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
        parts = [sample_terms(logits[block], target[block], weight, spec) for block in blocks(logits)]
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
        return gradients(gradient, arguments, values)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        """Push tangents of the arguments through the plain form."""
        arguments, _ = _saved(ctx)
        plain, inputs, positions = _plain(arguments)
        pushed = tuple(tangents[position] for position in positions)  # PyTorch makes zeros where there is none
        # J v as the transpose of u -> J^T u, which is linear: forward mode does not nest.
        loss, pullback, *_ = torch.func.vjp(plain, *inputs)
        _, transposed, *_ = torch.func.vjp(pullback, torch.zeros_like(loss))
        spec = arguments[3]
        return transposed(pushed)[0], *[None] * len(spec.terms)

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Evaluate the plain form under :func:`torch.func.vmap`."""
        spec, reduction = arguments[3:5]

        def plain(logits: Tensor, target: Tensor, weight: Tensor | None, *coefficients: Coefficient) -> Any:
            values = sample_terms(logits, target, weight, spec)
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
    """Whether it stands for many gradients, those of ``torch.autograd.grad(..., is_grads_batched=True)``.

    PyTorch has no public question for that, and no rule of ``vmap`` is called in such a backward pass. But it refuses
    to write many into a tensor that has room for one, as the closed form would: so that is tried.
    """
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
        return combine(sample_terms(logits, target, weight, spec), coefficients, counted, spec, reduction)

    return loss, tuple(arguments[position] for position in positions), positions


def _pulled_back(gradient: Tensor, arguments: Sequence[Any]) -> tuple[Tensor | None, ...]:
    """Return the gradients of the plain form for all arguments."""
    plain, inputs, positions = _plain(arguments)
    out: list[Tensor | None] = [None] * len(arguments)
    for position, value in zip(positions, torch.func.vjp(plain, *inputs)[1](gradient), strict=True):
        out[position] = value
    return tuple(out)
