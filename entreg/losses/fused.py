"""A loss and its gradient in closed form, as one node of the autograd graph.

There are two ways to run it, with one formula: block by block in PyTorch (:class:`entreg.losses.closed_form.Blocks`),
and on CUDA as Triton kernels (:class:`entreg.losses.launch.Kernels`). Neither keeps anything of the size of the logits
for the backward pass, whose result is their gradient; what is computed on the way is at most of the size of a block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from inspect import signature
from typing import Any, Protocol

import torch
from torch import Tensor

from entreg.losses.plain import Coefficient, Reduction, Spec, combine, counts, sample_terms

_FIRST_SOURCE = 4  # among the arguments


class ClosedForm(Protocol):
    """A way to evaluate a loss and form its gradient; see :class:`entreg.losses.closed_form.Blocks`."""

    @property
    def spec(self) -> Spec:
        """What is computed."""

    @property
    def reduction(self) -> Reduction:
        """How the values of the samples are reduced."""

    def coefficients(self, sources: Sequence[Any]) -> Sequence[Coefficient]:
        """Return the coefficient of each term from what they follow from, as PyTorch computes it."""

    def evaluate(
        self, logits: Tensor, target: Tensor, weight: Tensor | None, sources: Sequence[Any]
    ) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Return the loss and what the gradient needs."""

    def gradients(
        self,
        grad_output: Tensor,
        logits: Tensor,
        target: Tensor,
        weight: Tensor | None,
        sources: Sequence[Any],
        kept: Sequence[Tensor],
        learnt: Sequence[bool],
    ) -> tuple[Tensor, Sequence[Tensor | None]]:
        """Return the gradients for the logits and those sources that are learnt."""


class FusedLoss(torch.autograd.Function):
    """The terms of a loss times their coefficients, reduced.

    Called with logits, target, class weights, a :class:`ClosedForm` and the sources of its coefficients; what follows
    the loss in its result is kept for the backward pass. Under ``create_graph`` and under :mod:`torch.func`, and for
    the gradients of target and class weights, it is the plain form that is differentiated.
    """

    @staticmethod
    def forward(*arguments: Any) -> tuple[Tensor, ...]:
        """Evaluate in one of the two ways."""
        logits, target, weight, form, *sources = arguments
        loss, kept = form.evaluate(logits, target, weight, sources)
        return loss, *kept

    # PyTorch asks for the signature in each call, and forming it anew would take a third of the call's time.
    forward.__func__.__signature__ = signature(forward.__func__)  # type: ignore[attr-defined]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep the arguments and what the way asks for, not the probabilities."""
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)  # zeros for what cannot be differentiated
        tensors = [argument if isinstance(argument, Tensor) else None for argument in inputs]
        ctx.others = [None if isinstance(argument, Tensor) else argument for argument in inputs]
        ctx.save_for_backward(*tensors, *output[1:])
        ctx.save_for_forward(*tensors)
        ctx.kept = len(output) - 1

    @staticmethod
    def backward(ctx: Any, grad_output: Tensor | None, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Form the gradients for the logits and the sources of the coefficients."""
        arguments, kept = _saved(ctx)
        if grad_output is None:
            return (None,) * len(arguments)
        # Gradients are enabled where this one is itself to be differentiated.
        if torch.is_grad_enabled() or any(ctx.needs_input_grad[1:3]) or _is_batched(grad_output):
            return _pulled_back(grad_output, arguments)
        logits, target, weight, form, *sources = arguments
        learnt = ctx.needs_input_grad[_FIRST_SOURCE:]
        out, of_sources = form.gradients(grad_output, logits, target, weight, sources, kept, learnt)
        return out, None, None, None, *of_sources

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor | None) -> tuple[Tensor | None, ...]:
        """Push tangents of the arguments through the plain form."""
        arguments, _ = _saved(ctx)
        plain, inputs, positions = _plain(arguments)
        given = (tangents[position] for position in positions)
        pushed = tuple(torch.zeros_like(x) if t is None else t for t, x in zip(given, inputs, strict=True))
        # J v as the transpose of u -> J^T u, which is linear: forward mode does not nest.
        loss, pullback, *_ = torch.func.vjp(plain, *inputs)
        _, transposed, *_ = torch.func.vjp(pullback, torch.zeros_like(loss))
        return transposed(pushed)[0], *[None] * ctx.kept

    @staticmethod
    def vmap(info: Any, in_dims: tuple[int | None, ...], *arguments: Any) -> tuple[tuple[Tensor, ...], tuple[int, ...]]:
        """Evaluate the plain form under :func:`torch.func.vmap`."""
        form = arguments[3]
        spec = form.spec

        def plain(logits: Tensor, target: Tensor, weight: Tensor | None, *sources: Any) -> Any:
            values = sample_terms(logits, target, weight, spec)
            coefficients = form.coefficients(sources)
            return combine(values, coefficients, counts(target, weight, spec), spec, form.reduction), *values

        out = torch.func.vmap(plain, (*in_dims[:3], *in_dims[_FIRST_SOURCE:]))(
            *arguments[:3], *arguments[_FIRST_SOURCE:]
        )
        return out, (0,) * len(out)


def _saved(ctx: Any) -> tuple[tuple[Any, ...], tuple[Tensor, ...]]:
    """Return the arguments of a call and what it kept."""
    tensors = ctx.saved_tensors
    arguments = [other if tensor is None else tensor for tensor, other in zip(tensors, ctx.others, strict=False)]
    return tuple(arguments), tensors[len(arguments) :]


def _is_batched(grad_output: Tensor) -> bool:
    """Whether it stands for many gradients, those of ``torch.autograd.grad(..., is_grads_batched=True)``.

    PyTorch has no public question for that, and no rule of ``vmap`` is called in such a backward pass. But a tensor
    that stands for many lies nowhere in memory, and says so when it is asked for its place.
    """
    try:
        grad_output.data_ptr()
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
        logits, target, weight, form, *sources = full
        values = sample_terms(logits, target, weight, form.spec)
        return combine(values, form.coefficients(sources), counts(target, weight, form.spec), form.spec, form.reduction)

    return loss, tuple(arguments[position] for position in positions), positions


def _pulled_back(grad_output: Tensor, arguments: Sequence[Any]) -> tuple[Tensor | None, ...]:
    """Return the gradients of the plain form for all arguments."""
    plain, inputs, positions = _plain(arguments)
    out: list[Tensor | None] = [None] * len(arguments)
    for position, value in zip(positions, torch.func.vjp(plain, *inputs)[1](grad_output), strict=True):
        out[position] = value
    return tuple(out)
