"""A loss and its gradient in closed form, as one node of the autograd graph.

There are two ways to run it, with one formula: block by block in PyTorch (:mod:`entreg.losses.closed_form`), and on
CUDA as Triton kernels (:mod:`entreg.losses.launch`). Either keeps nothing of the size of the logits, so that the only
allocation of that size is their gradient, where the plain form makes several.
"""

from __future__ import annotations

import functools
import os
import shutil
import sysconfig
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from inspect import signature
from types import ModuleType
from typing import Any

import torch
from torch import Tensor

from entreg.losses import closed_form
from entreg.losses.plain import Coefficient, combine, counts, sample_terms

WORTHWHILE = 2**17  # logits: with fewer, what a node written in Python costs outweighs what it saves
_FIRST_COEFFICIENT = 5  # among the arguments


def worthwhile(logits: Tensor, target: Tensor) -> bool:
    """Whether the closed form is the faster one: where logits are many, and always as kernels, which are fewer."""
    return logits.numel() >= WORTHWHILE or _runs_as_kernels(logits, target)


class FusedLoss(torch.autograd.Function):
    """The terms of ``spec`` times their coefficients, reduced.

    Called with logits, target, class weights, ``spec``, the reduction and a coefficient for each term; what follows the
    loss in its result is kept for the backward pass. Under ``create_graph`` and under :mod:`torch.func`, and for the
    gradients of target and class weights, it is the plain form that is differentiated.
    """

    @staticmethod
    def forward(*arguments: Any) -> tuple[Tensor, ...]:
        """Evaluate in one of the two ways."""
        logits, target, weight, spec, reduction, *coefficients = arguments
        loss, kept = _way(logits, target).evaluate(logits, target, weight, spec, reduction, coefficients)
        return loss, *kept

    # PyTorch asks for the signature in each call, and forming it anew would take a third of the call's time.
    forward.__func__.__signature__ = signature(forward.__func__)  # type: ignore[attr-defined]

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Keep the arguments and what the way asks for, not the probabilities."""
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)  # zeros for what cannot be differentiated
        ctx.others = [None if isinstance(argument, Tensor) else argument for argument in inputs]
        tensors = [argument if isinstance(argument, Tensor) else None for argument in inputs]
        ctx.save_for_backward(*tensors, *output[1:])
        ctx.save_for_forward(*tensors)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor | None, *_: Tensor) -> tuple[Tensor | None, ...]:
        """Form the gradients for the logits and the coefficients."""
        arguments, kept = _saved(ctx)
        if gradient is None:
            return (None,) * len(arguments)
        # Gradients are enabled where this one is itself to be differentiated.
        if torch.is_grad_enabled() or any(ctx.needs_input_grad[1:3]) or _is_batched(gradient):
            return _pulled_back(gradient, arguments)
        logits, target, weight, spec, reduction, *coefficients = arguments
        way = _way(logits, target)
        learnt = ctx.needs_input_grad[_FIRST_COEFFICIENT:]
        out, of_coefficients = way.gradients(
            gradient, logits, target, weight, spec, reduction, coefficients, kept, learnt
        )
        return out, None, None, None, None, *of_coefficients

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


def _runs_as_kernels(logits: Tensor, target: Tensor) -> bool:
    """Whether there are kernels for these; they are imported on CUDA alone."""
    if not logits.is_cuda or not _can_compile():
        return False
    from entreg.losses import launch

    return launch.fits(logits, target)


@functools.cache
def _can_compile() -> bool:
    """Whether there is Triton, and what it needs to launch anything: a C compiler and Python's headers."""
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    folders = {sysconfig.get_path("include", scheme) for scheme in (sysconfig.get_default_scheme(), "posix_prefix")}
    headers = any(os.path.isfile(os.path.join(folder, "Python.h")) for folder in folders)
    recent = torch.cuda.get_device_capability() >= (7, 0)
    return find_spec("triton") is not None and compiler is not None and headers and recent


def _way(logits: Tensor, target: Tensor) -> ModuleType:
    """Return the module that evaluates this loss and forms its gradients."""
    if _runs_as_kernels(logits, target):
        from entreg.losses import launch

        return launch
    return closed_form


def _saved(ctx: Any) -> tuple[tuple[Any, ...], tuple[Tensor, ...]]:
    """Return the arguments of a call and what it kept."""
    count = len(ctx.others)
    tensors = ctx.saved_tensors
    arguments = (other if tensor is None else tensor for tensor, other in zip(tensors[:count], ctx.others, strict=True))
    return tuple(arguments), tensors[count:]


def _is_batched(gradient: Tensor) -> bool:
    """Whether it stands for many gradients, those of ``torch.autograd.grad(..., is_grads_batched=True)``.

    PyTorch has no public question for that, and no rule of ``vmap`` is called in such a backward pass. But a tensor
    that stands for many lies nowhere in memory, and says so when it is asked for its place.
    """
    try:
        gradient.data_ptr()
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
