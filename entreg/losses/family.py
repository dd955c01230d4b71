"""The family of entropy-regularised losses as one module: weights times terms, each fixed, learnt or scheduled."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, TypedDict

import torch
from torch import Tensor, nn

from entreg.losses import checks, functional
from entreg.losses.coefficients import Coefficients, Term
from entreg.losses.evaluate import with_parameters
from entreg.losses.maps import Constraint
from entreg.losses.plain import Reduction

# The argument of functional.entropy_regularized that a term goes to, and its sign there: weights are magnitudes.
_SIGNED_ARGUMENTS = {
    "ce": ("ce", 1),
    "entropy": ("entropy", 1),
    "kl": ("kl", 1),
    "rce": ("rce", 1),
    "confidence": ("entropy", -1),
}

_SHOWN = ("eps", "ignore_index", "label_smoothing", "unlabelled", "reduction")


class Options(TypedDict, total=False):
    """What every loss of the family takes by keyword; see :class:`EntropyRegularizedLoss`."""

    eps: float
    constraint: Constraint
    per_class_bases: int | None
    weight: Sequence[float] | None
    ignore_index: int
    label_smoothing: float
    unlabelled: bool
    reduction: Reduction
    validate_args: bool


class EntropyRegularizedLoss(nn.Module):
    r"""The family: :math:`c_{ce}\,CE + c_h\,H - c_{conf}\,H + c_{kl}\,KL + c_{rce}\,RCE`, :math:`c = s(t)\,w / \ln b`.

    A term given as a number has that coefficient, fixed; 0 switches it off. A :class:`Term` says how it is weighted,
    learnt and scheduled. MIN-ENT is ``(ce, entropy)``, MIX-ENT ``(ce, rce)``, as :math:`RCE = H + KL` under one
    coefficient.

    Args:
        ce: cross-entropy :math:`CE(q, p)`.
        entropy: entropy :math:`H(p)`.
        kl: reverse divergence :math:`KL(p \| \tilde q)`, :math:`\tilde q = \mathrm{clamp}(q, \epsilon, 1)`.
        rce: reverse cross-entropy :math:`RCE = H + KL`, both under one coefficient.
        confidence: entropy with the other sign, :math:`-H(p)`.
        eps: floor of the target in the reverse terms, in (0, 1).
        constraint: how the weights are learnt, see :class:`Coefficients`; ``"fixed"``: not at all.
        per_class_bases: number of classes, to give each class its own base in every term; not with ``kl``.
        weight: class weights ``(C,)``, as in :class:`torch.nn.CrossEntropyLoss`.
        ignore_index: target index whose samples count nowhere.
        label_smoothing: share of the target spread over all classes, in [0, 1].
        unlabelled: samples with ``ignore_index`` keep their entropy (Grandvalet and Bengio 2004).
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        validate_args: whether to check, on a CPU, that probabilities sum to 1 and indices are in range.

    Shape:
        logits ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)``; target class indices or probabilities; output a scalar,
        or the shape of the indices with ``reduction="none"``. See :mod:`entreg.losses.functional`.

    Raises:
        ValueError: if an argument is out of its range or does not go with another; in ``forward``, if the target does
            not fit the logits.

    Example:
        >>> loss = EntropyRegularizedLoss(ce=1.0, entropy=Term(0.1, learn_base=False, schedule="grow"))
        >>> [name for name, _ in loss.named_parameters()]
        ['coefficients.weight.learnt']
    """

    class_weight: Tensor | None

    def __init__(
        self,
        ce: float | Term = 1.0,
        entropy: float | Term = 0.0,
        kl: float | Term = 0.0,
        rce: float | Term = 0.0,
        confidence: float | Term = 0.0,
        *,
        eps: float = 1e-6,
        constraint: Constraint = "square",
        per_class_bases: int | None = None,
        weight: Sequence[float] | None = None,
        ignore_index: int = -100,
        label_smoothing: float = 0.0,
        unlabelled: bool = False,
        reduction: Reduction = "mean",
        validate_args: bool = True,
    ) -> None:
        super().__init__()
        checks.check_eps(eps)
        checks.check_reduction(reduction)
        checks.check_label_smoothing(label_smoothing)
        given = {"ce": ce, "entropy": entropy, "kl": kl, "rce": rce, "confidence": confidence}
        self.coefficients = Coefficients(_terms(given, per_class_bases), constraint)
        if self.coefficients.per_class and "kl" in self.coefficients.terms:
            raise ValueError("per-class bases apply to ce and to entropy or rce, not to kl alone: use rce")
        self.eps = eps
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing
        self.unlabelled = unlabelled
        self.reduction = reduction
        self.validate_args = validate_args
        self.register_buffer("class_weight", checks.class_weight(weight), persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``logits`` against class indices or probabilities."""
        loss = with_parameters(logits, target, self.coefficients, reduction=self.reduction, **self._options())
        if loss is not None:
            return loss
        coefficients, penalty = self.coefficients()
        return functional.entropy_regularized(
            logits,
            target,
            **_arguments(coefficients),
            penalty=penalty,
            reduction=self.reduction,
            **self._options(),
        )

    def observed(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        """What to log at a step, detached scalars.

        The means of ``ce``, ``entropy``, ``kl`` in nats; ``gradient_share/<term>``: norm of the gradient that a term
        with its coefficient has with respect to the logits, over the sum of these norms; and what
        :meth:`Coefficients.observed` says.
        """
        logits = logits.detach()
        with torch.no_grad():
            parts = functional.terms(logits, target, **self._options())
            means = {name: getattr(parts, name).sum() / parts.normalizer for name in ("ce", "entropy", "kl")}
        norms = {
            f"gradient_share/{name}": self._gradient_norm(name, coefficient, logits, target)
            for name, coefficient in self.coefficients()[0].items()
        }
        total = torch.stack(list(norms.values())).sum()
        shares = {name: torch.where(total > 0, norm / total, 0.0) for name, norm in norms.items()}
        return {**means, **shares, **self.coefficients.observed()}

    def extra_repr(self) -> str:
        """Show the numbers a loss was made with."""
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if name in _SHOWN)

    def _gradient_norm(self, name: str, coefficient: Tensor, logits: Tensor, target: Tensor) -> Tensor:
        with torch.enable_grad():
            z = logits.requires_grad_()
            arguments = _arguments({name: coefficient.detach()})
            value = functional.entropy_regularized(z, target, **arguments, **self._options())
            (gradient,) = torch.autograd.grad(value, z)
        return gradient.norm(dtype=torch.promote_types(gradient.dtype, torch.float32))

    def _options(self) -> dict[str, Any]:
        return {
            "eps": self.eps,
            "weight": self.class_weight,
            "ignore_index": self.ignore_index,
            "label_smoothing": self.label_smoothing,
            "unlabelled": self.unlabelled,
            "validate_args": self.validate_args,
        }


def _arguments(coefficients: Mapping[str, Tensor]) -> dict[str, Any]:
    """Coefficients by the arguments of :func:`functional.entropy_regularized`."""
    arguments: dict[str, Any] = {"ce": 0.0}
    for name, coefficient in coefficients.items():
        argument, sign = _SIGNED_ARGUMENTS[name]
        signed = coefficient if sign == 1 else -coefficient
        if isinstance(arguments.get(argument), Tensor):  # entropy and confidence are both there
            signed = signed + arguments[argument]
        arguments[argument] = signed
    return arguments


def _terms(given: Mapping[str, float | Term], per_class_bases: int | None) -> dict[str, Term]:
    """Terms that are switched on, a number being a fixed coefficient."""
    if per_class_bases is not None and not (isinstance(per_class_bases, int) and per_class_bases > 0):
        raise ValueError(f"per_class_bases must be the number of classes, got {per_class_bases}")
    terms = {}
    for name, value in given.items():
        if isinstance(value, Term):
            term = value
        elif isinstance(value, (int, float)) and value == 0:
            continue
        else:
            term = Term(value, learn_weight=False, learn_base=False)
        if per_class_bases is not None and not isinstance(term.base, Sequence):
            term = replace(term, base=[term.base] * per_class_bases)
        terms[name] = term
    if not terms:
        raise ValueError("a loss needs a term: give ce, entropy, kl, rce or confidence a weight > 0")
    return terms
