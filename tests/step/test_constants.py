"""What a step may not change, as a graph would not, is seen to change."""

from __future__ import annotations

import random
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from entreg.losses import MixEntLoss
from entreg.step.constants import are_as_they_were, plain_values, seen_from_outside


def step() -> Any:
    net = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    model = nn.ModuleDict({"net": net, "loss": MixEntLoss()})
    return SimpleNamespace(model=model, optimizer=torch.optim.AdamW(net.parameters()), scores=None)


CHANGES: dict[str, tuple[Callable[[Any], Any], str]] = {
    "random": (lambda step: random.random(), "Python's random numbers"),
    "numpy": (lambda step: np.random.rand(), "NumPy's random numbers"),
    "torch": (lambda step: torch.rand(1), "the random numbers of the CPU"),
    "attribute": (lambda step: setattr(step.model.loss, "eps", 0.5), "eps of MixEntLoss"),
    "buffer": (
        lambda step: setattr(step.model.net[1], "running_mean", torch.ones(2)),
        "the place of net.1.running_mean",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_seen_and_named(change: str) -> None:
    what, name = CHANGES[change]
    of = step()
    before = seen_from_outside(of)
    assert seen_from_outside(of) == before
    what(of)
    changed = [key for key, value in seen_from_outside(of).items() if before[key] != value]
    assert len(changed) == 1
    assert changed[0].startswith(name)


def test_what_is_trained_and_plain_values_are_compared_with_what_they_were() -> None:
    of = step()
    values = plain_values(of.model.net)
    assert are_as_they_were(values)
    of.model.net[0].weight.requires_grad_(False)
    assert not are_as_they_were(values)
    values = plain_values(of.model.net)
    of.model.net[1].eval()
    assert not are_as_they_were(values)
