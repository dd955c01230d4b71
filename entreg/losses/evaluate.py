"""From coefficients to a loss: which terms they ask for, and in which form these are evaluated."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from entreg.losses.choice import form_for, kernels_take
from entreg.losses.coefficients import Coefficients
from entreg.losses.fused import FusedLoss
from entreg.losses.plain import Coefficient, Reduction, Spec, combine, counts, reduce, sample_terms
from entreg.losses.terms import batched, specify

Batch = tuple[Tensor, Tensor, Tensor | None]


class TermCoefficients(NamedTuple):
    """Coefficients of CE, H and RCE, of which there is one for all classes or one for each."""

    ce: Coefficient
    entropy: Coefficient
    rce: Coefficient
    per_class: dict[str, Tensor]
    """Those with a number for each class, by term."""

    def asked(self) -> dict[str, bool]:
        """What they ask for besides CE, by the names of :class:`Spec`: a dense target, H, RCE."""
        return {
            "dense": bool(self.per_class),
            "entropy": not _is_off(self.entropy),
            "rce": not _is_off(self.rce),
        }

    def shared(self, spec: Spec) -> tuple[Coefficient, ...]:
        """Coefficient of each term of ``spec`` as a whole, 1 where each class has its own."""
        return tuple(1.0 if term in self.per_class else getattr(self, term) for term in spec.terms)


def coefficients_for(
    logits: Tensor, ce: Coefficient, entropy: Coefficient, kl: Coefficient, rce: Coefficient
) -> TermCoefficients:
    """Split KL, which is RCE - H, and tell coefficients of each class from those of all.

    Raises:
        ValueError: on one for each class of ``kl``, or for another number of classes than the logits have.
    """
    if _is_per_class(kl, logits):
        raise ValueError("per-class bases apply to ce and to entropy or rce, not to kl alone: use rce")
    if not _is_off(kl):
        entropy, rce = entropy - kl, rce + kl
    given = {"ce": ce, "entropy": entropy, "rce": rce}
    per_class = {term: c for term, c in given.items() if isinstance(c, Tensor) and _is_per_class(c, logits)}
    return TermCoefficients(ce, entropy, rce, per_class)


def _is_off(coefficient: Coefficient) -> bool:
    """Whether a coefficient is the number 0; a tensor, which may be learnt, never is."""
    return not isinstance(coefficient, Tensor) and coefficient == 0


def _is_per_class(coefficient: Coefficient, logits: Tensor) -> bool:
    """Whether there is a coefficient for each class; for another number of them it is a ``ValueError``."""
    if not isinstance(coefficient, Tensor) or coefficient.ndim == 0:
        return False
    classes = logits.shape[0 if logits.ndim == 1 else 1]
    if coefficient.shape != (classes,):
        raise ValueError(f"a coefficient per class must have shape ({classes},), got {tuple(coefficient.shape)}")
    return True


def with_parameters(
    logits: Tensor,
    target: Tensor,
    module: Coefficients,
    *,
    weight: Tensor | None,
    reduction: Reduction,
    validate_args: bool,
    **options: Any,
) -> Tensor | None:
    """Return the loss and its coefficients as one node of the graph, or ``None`` where they are to be computed apart.

    Args:
        logits: ``(N, C)``.
        target: class indices or probabilities.
        module: what the coefficients follow from.
        weight: class weights ``(C,)``.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        validate_args: whether to check the values of the target.
        options: those of :func:`entreg.losses.terms.specify`.
    """
    apart = torch.compiler.is_compiling() or options["unlabelled"]
    if apart or not kernels_take(module, logits, target, reduction):
        return None
    from entreg.losses.launch import KernelsOfParameters

    entropy, rce = "entropy" in module.terms, "rce" in module.terms
    spec = specify(logits, target, weight, entropy=entropy, rce=rce, **options)
    batch = batched(logits, target, weight, spec, validate_args)
    loss: Tensor = FusedLoss.apply(*batch, KernelsOfParameters(spec, reduction, module), *module.sources())[0]
    return loss


def weighted_sum(
    batch: Batch,
    spec: Spec,
    coefficients: TermCoefficients,
    penalty: Coefficient,
    reduction: Reduction,
    fused: bool | None,
) -> Tensor:
    """Return the terms times their coefficients, and a penalty, reduced.

    Args:
        batch: logits ``(N, C, ...)``, target and class weights.
        spec: what is computed.
        coefficients: of the terms.
        penalty: added to every sample that counts, times its weight.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        fused: whether as :class:`FusedLoss`, which knows no coefficients of each class and is not compiled; ``None``:
            where that is faster.
    """
    logits, target, weight = batch
    form = None
    if not coefficients.per_class and not torch.compiler.is_compiling():
        form = form_for(logits, target, spec, reduction, fused)
    if form is not None:
        loss = FusedLoss.apply(*batch, form, *coefficients.shared(spec))[0]
    else:
        values = sample_terms(logits, target, weight, spec, coefficients.per_class)
        loss = combine(values, coefficients.shared(spec), counts(target, weight, spec), spec, reduction)
    if _is_off(penalty):
        return loss
    counted = counts(target, weight, spec)
    return loss + reduce(penalty * counted.of_each(target, spec), counted.normalizer, reduction)
