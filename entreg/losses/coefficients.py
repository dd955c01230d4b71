"""Weights and log bases of a loss, fixed or learnt, in one module for all its terms."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from entreg.losses.functional import log_base

Constraint = Literal["fixed", "free", "square", "exp", "softplus"]


def _inverse_softplus(value: float) -> float:
    return value + math.log(-math.expm1(-value))


# From the raw tensor to the weights, and from a start weight back to its raw value.
_MAPS: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[float], float]]] = {
    "fixed": (torch.Tensor.clone, float),
    "free": (torch.Tensor.clone, float),
    "square": (torch.square, math.sqrt),
    "exp": (torch.exp, math.log),
    "softplus": (F.softplus, _inverse_softplus),
}
_MIN_EXCESS = 1e-6  # of a learnt base over 1: below it ln b vanishes in float32


class Coefficients(nn.Module):
    r"""Effective coefficients :math:`c = w / \ln b` of the terms of a loss.

    The weight is a constant (``"fixed"``) or a function of a parameter :math:`r`: :math:`r^2` (``"square"``; one that
    starts at 0 has no gradient and stays there), :math:`e^r` (``"exp"``), :math:`\ln(1 + e^r)` (``"softplus"``), or
    :math:`r` itself (``"free"``; it can become negative, and then the loss has no lower bound). The base is
    :math:`b = 1 + \mathrm{softplus}(r) > 1` of a parameter :math:`r` where it is learnt. Terms that share one
    coefficient share one entry (MIX-ENT's entropy and divergence).

    Only :math:`c` can be identified: weight and base are two handles on one number. And :math:`dL/dc_i` is the term
    itself, which is mostly positive, so gradient descent shrinks every coefficient: learn them slowly, at 1e-4 or
    less.

    Args:
        weights: start value of each term's weight, >= 0.
        bases: base of each term's logarithm, > 1; the same keys as ``weights``.
        constraint: how the weights are parametrised: ``"fixed"``, ``"free"``, ``"square"``, ``"exp"``, ``"softplus"``.
        learn_bases: whether the bases are parameters.

    Raises:
        ValueError: on a negative or non-finite weight, a base that is not > 1, or an unknown constraint.

    Example:
        >>> coefficients, penalty = Coefficients({"ce": 1.0, "entropy": 0.5}, {"ce": math.e, "entropy": 10.0})()
        >>> {term: round(c.item(), 4) for term, c in coefficients.items()}
        {'ce': 1.0, 'entropy': 0.2171}
    """

    raw_weights: Tensor
    raw_bases: Tensor

    def __init__(
        self,
        weights: Mapping[str, float],
        bases: Mapping[str, float],
        constraint: Constraint = "square",
        learn_bases: bool = True,
    ) -> None:
        super().__init__()
        if constraint not in _MAPS:
            raise ValueError(f"constraint must be one of {', '.join(map(repr, _MAPS))}, got {constraint!r}")
        for term, value in weights.items():
            if not 0 <= value < math.inf:
                raise ValueError(f"the weight of {term} must be a finite number >= 0, got {value}")
            if value == 0 and constraint in ("exp", "softplus"):
                raise ValueError(f"the weight of {term} must be > 0 with constraint {constraint!r}, got {value}")
        if weights.keys() != bases.keys():
            raise ValueError(f"weights and bases must name the same terms, got {sorted(weights)} and {sorted(bases)}")
        self.terms = tuple(weights)
        self.constraint = constraint
        self.learn_bases = learn_bases
        log_bases = [log_base(bases[term]) for term in self.terms]
        _, inverse = _MAPS[constraint]
        raw_weights = torch.tensor([inverse(weights[term]) for term in self.terms])
        if constraint == "fixed":
            self.register_buffer("raw_weights", raw_weights)
        else:
            self.raw_weights = nn.Parameter(raw_weights)
        if learn_bases:
            excess = [math.expm1(value) for value in log_bases]  # b - 1
            self.raw_bases = nn.Parameter(torch.tensor([_inverse_softplus(value) for value in excess]))
        else:
            self.register_buffer("raw_bases", torch.tensor(log_bases))

    def forward(self) -> tuple[dict[str, Tensor], Tensor]:
        """Return the effective coefficient of each term (scalars) and the penalty to add to the loss (a scalar)."""
        coefficients = self.weights() / self.log_bases()
        return dict(zip(self.terms, coefficients.unbind(), strict=True)), coefficients.new_zeros(())

    def weights(self) -> Tensor:
        """Weights of all terms, ``(T,)``, >= 0 unless ``free``."""
        forward, _ = _MAPS[self.constraint]
        return forward(self.raw_weights)

    def log_bases(self) -> Tensor:
        """Natural logarithms of the bases of all terms, ``(T,)``, > 0."""
        if not self.learn_bases:
            return self.raw_bases
        return torch.log1p(F.softplus(self.raw_bases).clamp(min=_MIN_EXCESS))

    @torch.no_grad()
    def observed(self) -> dict[str, Tensor]:
        """What to log: ``weight/<term>``, ``base/<term>`` and ``coefficient/<term>``, detached scalars."""
        weights, log_bases = self.weights(), self.log_bases()
        columns = {"weight": weights, "base": log_bases.exp(), "coefficient": weights / log_bases}
        return {f"{kind}/{term}": column[i] for kind, column in columns.items() for i, term in enumerate(self.terms)}

    def extra_repr(self) -> str:
        """Show the terms with their current weights and bases."""
        values = {name: round(float(value), 4) for name, value in self.observed().items()}
        return f"{values}, constraint={self.constraint!r}, learn_bases={self.learn_bases}"
