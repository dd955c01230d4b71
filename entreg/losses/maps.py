"""How a learnt number follows from its parameter, by constraint, and what a schedule makes of it over training."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from entreg.losses.checks import SMALLEST_EXCESS

Constraint = Literal["fixed", "free", "square", "exp", "softplus", "softmax", "uncertainty"]
Schedule = Literal["constant", "decay", "grow", "cosine_decay", "cosine_grow"]


class Map(NamedTuple):
    """How numbers follow from their parameters, and parameters from start values."""

    forward: Callable[[Tensor], Tensor]
    inverse: Callable[[Tensor], Tensor]


def _inverse_softplus(value: Tensor) -> Tensor:
    return value + torch.log(-torch.expm1(-value))


_IDENTITY = Map(torch.clone, torch.clone)
WEIGHT_MAPS = {
    "fixed": _IDENTITY,
    "free": _IDENTITY,
    "square": Map(torch.square, torch.sqrt),
    "exp": Map(torch.exp, torch.log),
    "softplus": Map(F.softplus, _inverse_softplus),
    "softmax": Map(lambda raw: raw.softmax(0), lambda weight: (weight / weight.sum()).log()),
    "uncertainty": Map(lambda raw: torch.exp(-raw) / 2, lambda weight: -torch.log(2 * weight)),
}
"""Maps to weights, by constraint."""
JOINT = ("softmax", "uncertainty")
"""Constraints on all weights of a loss together."""
POSITIVE = ("exp", "softplus", *JOINT)
"""Constraints under which no parameter gives a weight of 0."""
_LOG_BASE = Map(
    lambda raw: torch.log1p(F.softplus(raw).clamp(min=SMALLEST_EXCESS)),
    lambda log_base: _inverse_softplus(torch.expm1(log_base)),
)
_MAPS = {**WEIGHT_MAPS, "log_base": _LOG_BASE}

SCHEDULES: dict[str, Callable[[Tensor], Tensor]] = {
    "constant": torch.ones_like,
    "decay": lambda progress: 1 - progress,
    "grow": torch.clone,
    "cosine_decay": lambda progress: (1 + torch.cos(math.pi * progress)) / 2,
    "cosine_grow": lambda progress: (1 - torch.cos(math.pi * progress)) / 2,
}
"""Factors of a coefficient, as functions of the progress of training from 0 to 1."""


class PartlyLearnt(nn.Module):
    """Numbers along dimension 0, some of which are learnt through a map and the others fixed.

    Args:
        values: where they start.
        learnt: which of them are learnt.
        map_name: a constraint, or ``"log_base"``. Not the map itself: a loss can be pickled.
    """

    fixed: Tensor
    order: Tensor

    def __init__(self, values: Tensor, learnt: Sequence[bool], map_name: str) -> None:
        super().__init__()
        self.map_name = map_name
        chosen = torch.tensor(learnt)
        dtype = torch.get_default_dtype()
        self.learnt = nn.Parameter(_MAPS[map_name].inverse(values[chosen]).to(dtype)) if chosen.any() else None
        self.register_buffer("fixed", values[~chosen].to(dtype) if not chosen.all() else None)
        order = torch.cat((chosen.nonzero(), (~chosen).nonzero())).flatten().argsort()
        self.register_buffer("order", order, persistent=False)

    def forward(self) -> Tensor:
        """Return all numbers in their order."""
        return self.arranged(self.learnt, self.fixed)

    def arranged(self, learnt: Tensor | None, fixed: Tensor | None) -> Tensor:
        """Return the numbers that these parameters and these fixed numbers make."""
        numbers = [] if learnt is None else [_MAPS[self.map_name].forward(learnt)]
        if fixed is not None:
            numbers.append(fixed)
        return numbers[0] if len(numbers) == 1 else torch.cat(numbers)[self.order]
