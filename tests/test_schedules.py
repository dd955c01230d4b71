from __future__ import annotations

import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from entreg.schedules import OneCycle


def rates(scheduler_class: type, steps: int, **options: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    scheduler = scheduler_class(optimizer, **options)
    values = []
    for _ in range(steps):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return values


def test_equals_torchs_one_cycle_up_to_its_end_points() -> None:
    # torch's cycle ends on its last step, ours one after it, where a scheduler is stepped no more.
    ours = rates(OneCycle, 100, total_steps=100, warmup=0.3, start=0.04, end=0.04 * 1e-4)
    theirs = rates(OneCycleLR, 101, max_lr=0.1, total_steps=101, pct_start=31 / 101, cycle_momentum=False)
    assert ours == pytest.approx(theirs[:100], abs=1e-3)


def test_every_group_keeps_its_own_rate() -> None:
    groups = [{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in (1.0, 1e-4)]
    optimizer = torch.optim.SGD(groups)
    scheduler = OneCycle(optimizer, total_steps=10)
    for _ in range(10):
        net, loss = (group["lr"] for group in optimizer.param_groups)
        assert loss == pytest.approx(net * 1e-4)
        optimizer.step()
        scheduler.step()


def test_state_is_made_of_builtins() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    state = OneCycle(optimizer, total_steps=10).state_dict()
    assert all(isinstance(value, int | float | list | bool | type(None)) for value in state.values())


def test_warmup_outside_0_and_1_is_refused() -> None:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    with pytest.raises(ValueError, match="warmup"):
        OneCycle(optimizer, total_steps=10, warmup=1.0)


def test_steps_beyond_the_last_stay_at_the_end() -> None:
    assert rates(OneCycle, 31, total_steps=20)[21:] == pytest.approx([0.1 * 1e-4] * 10)
