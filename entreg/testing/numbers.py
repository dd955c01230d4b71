"""What a loss computes, as a function of tensors: each property says what is wrong, or nothing."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from entreg.testing.case import HALVES, Case, differs, ignored_index


def scalar(case: Case) -> str | None:
    """One number for a batch."""
    value = case.value(case.logits, case.target)
    if isinstance(value, Tensor) and value.ndim == 0:
        return None
    got = f"one of shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
    return f"the loss of a batch is one number: expected a tensor of shape (), got {got}"


def inputs(case: Case) -> str | None:
    """Logits and target are the caller's, and those of ignored samples too."""
    target, index = case.target.clone(), ignored_index(case.loss)
    if index is not None and not case.probabilities:
        target[0] = index
    given, kept = case.arguments(case.logits, target), case.arguments(case.logits, target)
    case.loss(*given)
    for name, after, before in zip(("logits", "target"), given, kept, strict=True):
        if not torch.equal(after, before):
            return f"a loss leaves logits and target as they are: expected so, got another {name} after the call"
    return None


def deterministic(case: Case) -> str | None:
    """The same twice."""
    first, second = (case.value(case.logits, case.target) for _ in range(2))
    return differs(second, first, "two calls with the same logits and target give the same loss")


def gradient(case: Case) -> str | None:
    """Autograd is right, for logits and parameters."""
    z, target = case.logits[:3].clone().requires_grad_(), case.target[:3]  # few, as every number is moved by itself
    in_double = case.value(z, target).dtype == torch.float64  # else it computes in float32 whatever it is given
    eps, atol, rtol = (1e-6, 1e-5, 1e-3) if in_double else (1e-2, 1e-2, 1e-2)
    learnt = {f"the parameter {name}": p for name, p in case.loss.named_parameters() if p.requires_grad}

    def loss(_: Tensor) -> Tensor:  # gradcheck moves the numbers of its input in place
        return case.value(z, target)

    for name, moved in {"the logits": z, **learnt}.items():
        if not torch.autograd.gradcheck(loss, moved, eps=eps, atol=atol, rtol=rtol, raise_exception=False):
            return f"expected one gradient for {name} from autograd and from finite differences, got two"
    return None


def autocast(case: Case) -> str | None:
    """Mixed precision costs rounding and no more."""
    case = case.single()
    for dtype in HALVES:
        logits = (3 * case.logits).to(dtype)
        exact = case.value(logits.float(), case.target)
        with torch.autocast("cpu", dtype=dtype):
            found, slope = case.gradient(logits, case.target)
        if not torch.allclose(found.float(), exact, rtol=2e-2, atol=2e-2) or not slope.isfinite().all():
            got = f"got {found.item():.6g} and a largest slope of {slope.abs().max().item():g}"
            return f"under autocast logits in {dtype} give float32's loss up to 2 %: expected {exact.item():.6g}, {got}"
    return None


def finite(case: Case) -> str | None:
    """Sure predictions, right or wrong."""
    other = (case.target + 1) % case.num_classes
    for dtype, (high, low) in itertools.product(case.dtypes, ((case.target, other), (other, case.target))):
        logits = torch.zeros(case.logits.shape, dtype=dtype)
        logits.scatter_(1, high[:, None], 1e4).scatter_(1, low[:, None], -1e4)
        infinite = infinite_at(case, logits)
        if infinite:
            return f"logits of 1e4 and -1e4 in {dtype} give a finite loss and gradient: {infinite}"
    return None


def infinite_at(case: Case, logits: Tensor) -> str | None:
    """Say what is not finite at these logits, for the target in each form that the loss takes."""
    case = case.single()
    for target in case.targets(logits.dtype):
        value, slope = case.gradient(logits, target)
        if not (value.isfinite() and slope.isfinite().all()):
            return f"got a loss of {value.item():g} and a largest slope of {slope.abs().max().item():g}"
    return None
