"""The family of entropy-regularised losses as one module: weights times terms, each fixed or learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from entreg.losses import functional
from entreg.losses.coefficients import Coefficients, Constraint
from entreg.losses.functional import Reduction

# What an entry stands for. Its sign belongs to the term, so that weights stay magnitudes; a tied entry stands for
# several terms: RCE = H + KL.
_FAMILY: dict[str, dict[str, float]] = {
    "ce": {"ce": 1.0},
    "entropy": {"entropy": 1.0},
    "confidence": {"entropy": -1.0},
    "kl": {"kl": 1.0},
    "rce": {"entropy": 1.0, "kl": 1.0},
}


class EntropyRegularizedLoss(nn.Module):
    r"""The family: :math:`\sum_t (w_t / \ln b_t)\, t(q, p)` over terms CE, H, -H, KL and RCE = H + KL.

    Args:
        weights: start weight of each term, keys out of ``ce``, ``entropy``, ``confidence`` (-H), ``kl``, ``rce``.
        bases: log base of each of these terms.
        eps: floor of the target in the reverse terms, in (0, 1).
        constraint: how the weights are learnt, see :class:`Coefficients`; ``"fixed"``: not at all.
        learn_bases: whether the bases are learnt.
        weight: class weights ``(C,)``, as in :class:`torch.nn.CrossEntropyLoss`.
        ignore_index: target index whose samples count nowhere.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.

    Shape:
        logits ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)``; target class indices or probabilities; output a scalar,
        or the shape of the indices with ``reduction="none"``. See :mod:`entreg.losses.functional`.

    Raises:
        ValueError: on an unknown term, a negative weight, a base <= 1, or ``eps`` outside (0, 1).
    """

    class_weight: Tensor | None

    def __init__(
        self,
        weights: Mapping[str, float],
        bases: Mapping[str, float],
        *,
        eps: float = 1e-6,
        constraint: Constraint = "square",
        learn_bases: bool = True,
        weight: Sequence[float] | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
    ) -> None:
        super().__init__()
        if unknown := set(weights) - set(_FAMILY):
            raise ValueError(f"unknown terms {sorted(unknown)}, expected some of {sorted(_FAMILY)}")
        functional.check_eps(eps)
        functional.check_reduction(reduction)
        self.coefficients = Coefficients(weights, bases, constraint, learn_bases)
        self.eps = eps
        self.ignore_index = ignore_index
        self.reduction = reduction
        class_weight = None if weight is None else torch.as_tensor(weight, dtype=torch.get_default_dtype())
        self.register_buffer("class_weight", class_weight, persistent=False)

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``logits`` against class indices or probabilities."""
        parts = self._terms(logits, target)
        coefficients, penalty = self.coefficients()
        total = penalty
        for entry, c in coefficients.items():
            for term, sign in _FAMILY[entry].items():
                total = total + sign * c * getattr(parts, term)
        return functional.reduce(total, parts.normalizer, self.reduction)

    @torch.no_grad()
    def observed(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        """What to log at a step: the mean of ``ce``, ``entropy``, ``kl`` in nats, and weights, bases, coefficients."""
        parts = self._terms(logits, target)
        means = {term: getattr(parts, term).sum() / parts.normalizer for term in ("ce", "entropy", "kl")}
        return {**means, **self.coefficients.observed()}

    def _terms(self, logits: Tensor, target: Tensor) -> functional.Terms:
        return functional.terms(logits, target, eps=self.eps, weight=self.class_weight, ignore_index=self.ignore_index)
