"""Weights, log bases and schedules of a loss's terms, fixed or learnt, in one module for all of them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from entreg.losses.checks import LARGEST, log_base
from entreg.losses.maps import JOINT, POSITIVE, SCHEDULES, WEIGHT_MAPS, Constraint, PartlyLearnt, Schedule

_SIMPLE = (("ce",), ("ce", "entropy"), ("ce", "rce"), ("ce", "entropy", "rce"))  # what kernels know


@dataclass(frozen=True)
class Term:
    r"""How one term enters a loss: :math:`s(t)\,(w / \ln b)` times its value in nats.

    Args:
        weight: start value of :math:`w`, >= 0; the sign belongs to the term.
        base: start value of the log base :math:`b`, > 1; a sequence gives each class its own.
        learn_weight: whether the weight is a parameter, under the loss's constraint.
        learn_base: whether the base is a parameter.
        schedule: factor :math:`s` over training, from progress :math:`t = 0` to 1: ``"constant"`` 1, ``"decay"``
            :math:`1 - t`, ``"grow"`` :math:`t`, ``"cosine_decay"`` :math:`(1 + \cos\pi t) / 2`, ``"cosine_grow"``
            :math:`(1 - \cos\pi t) / 2`.
    """

    weight: float = 1.0
    base: float | Sequence[float] = math.e
    learn_weight: bool = True
    learn_base: bool = True
    schedule: Schedule = "constant"


class Coefficients(nn.Module):
    r"""Effective coefficients :math:`c = s(t)\, w / \ln b` of the terms of a loss.

    A learnt weight is a function of a parameter :math:`r`, by ``constraint``:

    ================  ==============================================  =============================================
    ``"free"``        :math:`w = r`                                   can become negative: the loss has no bound then
    ``"square"``      :math:`w = r^2`                                 started at 0 it has no gradient and stays there
    ``"exp"``         :math:`w = e^r`
    ``"softplus"``    :math:`w = \ln(1 + e^r)`
    ``"softmax"``     :math:`w = W\,\mathrm{softmax}(r)`              all terms jointly; :math:`W` the sum at the start
    ``"uncertainty"`` :math:`w = e^{-r} / 2`, penalty                 all terms jointly, :math:`\sigma^2 = e^r`;
                      :math:`\sum \ln(1 + e^r)`                       arXiv 1805.06334 after 1705.07115
    ================  ==============================================  =============================================

    ``"fixed"`` learns no weight. The last two keep the coefficients from shrinking together, which they do only with
    fixed bases. The penalty of Kendall et al., :math:`s / 2` for :math:`e^{-s}`, is unbounded below for a term that
    can reach 0, as entropy can; that of Liebel and Koerner, used here, is not. A learnt base is
    :math:`b = 1 + \mathrm{softplus}(r) > 1`.

    Only :math:`c` can be identified: weight and base are two handles on one number. And :math:`dL/dc_i` is the term
    itself, which is mostly positive, so gradient descent shrinks every coefficient: learn them slowly, at 1e-4 or
    less.

    Fixed weights and bases are buffers, restored with a checkpoint like parameters.

    Where a term has a schedule there is a buffer ``progress``, a scalar in [0, 1], for the training loop to set.

    Args:
        terms: the terms by name.
        constraint: how learnt weights are parametrised; ``"fixed"``: none is learnt.

    Attributes:
        simple: whether a kernel can compute the coefficients: a weight and a base for each term, and nothing else.

    Raises:
        ValueError: on a negative or non-finite weight, a base that is not > 1, an unknown constraint or schedule, a
            joint constraint with a learnt base or a fixed weight, or bases for different numbers of classes.

    Example:
        >>> coefficients, penalty = Coefficients({"ce": Term(1.0), "entropy": Term(0.5, base=10.0)})()
        >>> {term: round(c.item(), 4) for term, c in coefficients.items()}
        {'ce': 1.0, 'entropy': 0.2171}
    """

    progress: Tensor
    total: Tensor

    def __init__(self, terms: Mapping[str, Term], constraint: Constraint = "square") -> None:
        super().__init__()
        if constraint not in WEIGHT_MAPS:
            raise ValueError(f"constraint must be one of {', '.join(map(repr, WEIGHT_MAPS))}, got {constraint!r}")
        if not terms:
            raise ValueError("coefficients need at least one term")
        for name, term in terms.items():
            _check(name, term, constraint)
        self.terms = tuple(terms)
        self.constraint = constraint
        self.schedules = tuple(term.schedule for term in terms.values())
        self.scheduled = set(self.schedules) != {"constant"}
        weights = torch.tensor([term.weight for term in terms.values()], dtype=torch.float64)
        learnt = [term.learn_weight and constraint != "fixed" for term in terms.values()]
        self.weight = PartlyLearnt(weights, learnt, constraint)
        log_bases = _log_bases({name: term.base for name, term in terms.items()})
        self.per_class = log_bases.ndim == 2
        self.log_base = PartlyLearnt(log_bases, [term.learn_base for term in terms.values()], "log_base")
        if constraint == "softmax":
            self.register_buffer("total", weights.sum().to(torch.get_default_dtype()))
        as_written = type(self) is Coefficients and constraint not in JOINT  # a subclass may compute them otherwise
        self.simple = as_written and self.terms in _SIMPLE and not (self.scheduled or self.per_class)
        if self.scheduled:
            self.register_buffer("progress", torch.zeros(()))

    def forward(self) -> tuple[dict[str, Tensor], Tensor | float]:
        """Return each term's effective coefficient, a scalar or ``(C,)``, and the penalty to add to the loss."""
        coefficients = self.identified(*self.sources())
        if self.scheduled:
            factors = torch.stack([SCHEDULES[schedule](self.progress) for schedule in self.schedules])
            coefficients = coefficients * (factors.unsqueeze(1) if self.per_class else factors)
        learnt = self.weight.learnt
        penalty = F.softplus(learnt).sum() if self.constraint == "uncertainty" and learnt is not None else 0.0
        return dict(zip(self.terms, coefficients.unbind(), strict=True)), penalty

    def weights(self) -> Tensor:
        """Weights of all terms, ``(T,)``, >= 0 unless ``free``."""
        return self._scaled(self.weight())

    def log_bases(self) -> Tensor:
        """Natural logarithms of the bases of all terms, ``(T,)`` or ``(T, C)``, > 0."""
        return self.log_base()

    def sources(self) -> tuple[Tensor | None, ...]:
        """What the coefficients follow from: learnt and fixed weights, learnt and fixed log bases."""
        return self.weight.learnt, self.weight.fixed, self.log_base.learnt, self.log_base.fixed

    def identified(self, *sources: Tensor | None) -> Tensor:
        """Return ``w / ln b``, ``(T,)`` or ``(T, C)``: all that the loss can tell of weights and bases."""
        weights = self._scaled(self.weight.arranged(*sources[:2]))
        return (weights.unsqueeze(1) if self.per_class else weights) / self.log_base.arranged(*sources[2:])

    @torch.no_grad()
    def observed(self) -> dict[str, Tensor]:
        """What to log: ``weight/<term>``, ``base/<term>`` and ``coefficient/<term>``, detached scalars.

        With a base for each class the latter two are means over the classes, beside ``base_min/`` and ``base_max/``.
        """
        columns = {"weight": self.weights(), "base": self.log_bases().exp()}
        columns["coefficient"] = torch.stack([c.mean() for c in self()[0].values()])
        if self.per_class:
            bases = columns["base"]
            columns |= {"base": bases.mean(1), "base_min": bases.amin(1), "base_max": bases.amax(1)}
        return {f"{kind}/{term}": column[i] for kind, column in columns.items() for i, term in enumerate(self.terms)}

    def extra_repr(self) -> str:
        """Show the terms with their current weights and bases."""
        values = {name: round(float(value), 4) for name, value in self.observed().items()}
        return f"{values}, constraint={self.constraint!r}"

    def _scaled(self, weights: Tensor) -> Tensor:
        return weights * self.total if self.constraint == "softmax" else weights


def coefficients_of(loss: nn.Module) -> dict[str, float]:
    """Weights, bases and coefficients of a loss as numbers; empty if it has none, or something else of that name."""
    coefficients = getattr(loss, "coefficients", None)
    if not isinstance(coefficients, Coefficients):
        return {}
    return {key: float(value) for key, value in coefficients.observed().items()}


def _log_bases(bases: Mapping[str, float | Sequence[float]]) -> Tensor:
    """Logarithms of bases, ``(T,)``, or ``(T, C)`` where some term has one for each class."""
    sizes = {len(base) for base in bases.values() if isinstance(base, Sequence)}
    if len(sizes) > 1 or 0 in sizes:
        raise ValueError(f"per-class bases must be given for one number of classes, got {sorted(sizes)}")
    classes = sizes.pop() if sizes else None
    values = []
    for name, base in bases.items():
        label = f"the base of {name}"
        if isinstance(base, Sequence):
            values.append([log_base(value, label) for value in base])
        else:
            values.append([log_base(base, label)] * (classes or 1))
    log_bases = torch.tensor(values, dtype=torch.float64)
    return log_bases.squeeze(1) if classes is None else log_bases


def _check(name: str, term: Term, constraint: Constraint) -> None:
    if not isinstance(term.weight, (int, float)):
        raise ValueError(
            f"the weight of {name} must be a number, got {type(term.weight).__name__}; "
            "class weights go by keyword: weight=..."
        )
    if not 0 <= term.weight < math.inf:
        raise ValueError(f"the weight of {name} must be a finite number >= 0, got {term.weight}")
    if term.weight > LARGEST:
        raise ValueError(f"the weight of {name} must be at most {LARGEST:g}, got {term.weight}")
    if term.weight == 0 and term.learn_weight and constraint in POSITIVE:
        raise ValueError(f"the weight of {name} must be > 0 with constraint {constraint!r}, got {term.weight}")
    if term.schedule not in SCHEDULES:
        raise ValueError(
            f"the schedule of {name} must be one of {', '.join(map(repr, SCHEDULES))}, got {term.schedule!r}"
        )
    if constraint in JOINT and term.learn_base:
        raise ValueError(
            f"constraint {constraint!r} needs fixed bases, but that of {name} is learnt: learn_bases=False"
        )
    if constraint in JOINT and not term.learn_weight:
        raise ValueError(f"constraint {constraint!r} spans all terms: learn the weight of {name} too, or leave it out")
