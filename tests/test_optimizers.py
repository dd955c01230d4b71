"""Optimizers are fused unless they were told how to update."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from torch import nn
from torch.optim import SGD, Adam, AdamW, RMSprop

from entreg.optimizers import can_skip_steps, fuse

CPU = torch.device("cpu")


@pytest.mark.parametrize("make", [Adam, AdamW, partial(SGD, lr=0.1)])
def test_what_was_told_nothing_is_fused_later_groups_too(make: type[torch.optim.Optimizer]) -> None:
    optimizer = make([nn.Parameter(torch.ones(2))])
    assert not can_skip_steps(optimizer)
    fuse(optimizer, CPU)
    optimizer.add_param_group({"params": [nn.Parameter(torch.ones(3))]})
    assert [group["fused"] for group in optimizer.param_groups] == [True, True]
    assert can_skip_steps(optimizer)


@pytest.mark.parametrize(
    "make",
    [partial(AdamW, foreach=True), partial(AdamW, fused=False), partial(AdamW, differentiable=True), RMSprop],
)
def test_what_was_told_how_or_cannot_be_fused_is_left_alone(make: type[torch.optim.Optimizer]) -> None:
    optimizer = make([nn.Parameter(torch.ones(2))])
    before = dict(optimizer.defaults)
    fuse(optimizer, CPU)
    assert optimizer.defaults == before
    assert not can_skip_steps(optimizer)


def test_devices_without_fused_optimizers_keep_theirs() -> None:
    optimizer = AdamW([nn.Parameter(torch.ones(2))])
    fuse(optimizer, torch.device("meta"))
    assert optimizer.param_groups[0]["fused"] is None
