"""A loss that is not finite changes nothing, from that step on."""

from __future__ import annotations

import copy
import math

import pytest
import torch
from torch import nn

from entreg.step import Guard
from entreg.step.guard import side_by_side

CPU = torch.device("cpu")


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))


def step(net: nn.Module, optimizer: torch.optim.Optimizer, guard: Guard, inputs: torch.Tensor) -> float:
    guard.remember()
    loss = net(inputs).square().mean()
    guard.check(loss)
    optimizer.zero_grad()
    loss.backward()
    guard.put_back()
    optimizer.step()
    return loss.item()


@pytest.mark.parametrize("make", [torch.optim.AdamW, torch.optim.Adam, torch.optim.SGD])
@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_nothing_changes_from_a_bad_loss_on(make: type[torch.optim.Optimizer], bad: float) -> None:
    net, inputs = network(), torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    optimizer = make(net.parameters(), lr=0.1, weight_decay=0.1, fused=True)
    guard = Guard(net, optimizer, CPU)
    assert math.isfinite(step(net, optimizer, guard, inputs))
    before = copy.deepcopy((net.state_dict(), optimizer.state_dict()))
    assert not math.isfinite(step(net, optimizer, guard, torch.full((8, 3), bad)))
    step(net, optimizer, guard, inputs)  # a good one, that comes too late
    after = (net.state_dict(), optimizer.state_dict())
    assert guard.found == 1
    for name, value in before[0].items():
        assert torch.equal(after[0][name], value), name
    for index, state in before[1]["state"].items():
        for name, value in state.items():
            assert torch.equal(after[1]["state"][index][name], value), name


def test_a_guard_changes_no_training_that_goes_well() -> None:
    inputs = torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    nets = [network(), network()]
    guarded = torch.optim.AdamW(nets[0].parameters(), fused=True)
    guard = Guard(nets[0], guarded, CPU)
    plain = torch.optim.AdamW(nets[1].parameters(), fused=True)
    for _ in range(3):
        step(nets[0], guarded, guard, inputs)
        plain.zero_grad()
        nets[1](inputs).square().mean().backward()
        plain.step()
    for one, other in zip(nets[0].state_dict().values(), nets[1].state_dict().values(), strict=True):
        assert torch.equal(one, other)


def test_buffers_lie_side_by_side_and_are_what_they_were() -> None:
    net = nn.Sequential(nn.BatchNorm1d(4), nn.BatchNorm1d(2))
    net.register_buffer("scale", torch.tensor(3.0))
    net[0].register_buffer("again", net.scale)  # in two places
    before = copy.deepcopy(net.state_dict())
    joined = list(side_by_side(net))
    assert sorted(len(tensor) for tensor in joined) == [2, 13]  # counts of batches; two of 4, two of 2, one
    assert net.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[name]) for name, value in net.state_dict().items())
    assert net[0].again.data_ptr() == net.scale.data_ptr()
    for tensor in joined:
        tensor.fill_(7)
    assert all(
        (value == 7).all() for name, value in net.state_dict().items() if "weight" not in name and "bias" not in name
    )


def test_a_second_guard_of_a_network_guards_its_buffers_too() -> None:
    net, inputs = network(), torch.randn(8, 3, generator=torch.Generator().manual_seed(1))
    for _ in range(2):
        optimizer = torch.optim.AdamW(net.parameters(), fused=True)
        guard = Guard(net, optimizer, CPU)
        step(net, optimizer, guard, inputs)
    before = {name: buffer.clone() for name, buffer in net.named_buffers()}
    step(net, optimizer, guard, torch.full((8, 3), math.nan))
    assert all(torch.equal(buffer, before[name]) for name, buffer in net.named_buffers())
