"""Plans keep the kernels that they have compiled, one for each kind of call."""

from __future__ import annotations

from typing import Any

import pytest
import torch

pytest.importorskip("triton")

from entreg.losses.choice import form_for
from entreg.losses.launch import Kernels
from entreg.losses.plans import NONE, Plan, block_of, kind, kind_of_coefficient
from entreg.losses.terms import specify


class Recorder:
    """A kernel, or one that is compiled, which notes how it is launched."""

    def __init__(self, compiled: Recorder | None = None) -> None:
        self.compiled = compiled
        self.launches: list[tuple[Any, ...]] = []

    def __getitem__(self, grid: tuple[int, int, int]) -> Any:
        def launch(*arguments: Any, **options: Any) -> Recorder | None:
            self.launches.append((grid, arguments, options))
            return self.compiled

        return launch


def test_a_kernel_is_compiled_once_for_each_variant() -> None:
    compiled = Recorder()
    kernel, plan = Recorder(compiled), Plan((), 4096)
    for value in (1, 2):
        plan.launch(kernel, "one", (3, 1, 1), (value,), 1024)
    plan.launch(kernel, "another", (3, 1, 1), (4,), 16)
    assert kernel.launches == [((3, 1, 1), (1,), {"num_warps": 4}), ((3, 1, 1), (4,), {"num_warps": 1})]
    assert compiled.launches == [((3, 1, 1), (2,), {})]


def test_what_is_not_compiled_is_not_kept() -> None:
    kernel, plan = Recorder(None), Plan((), 16)
    for value in (1, 2):
        plan.launch(kernel, "interpreted", (1, 1, 1), (value,), 16)
    assert [arguments for _, arguments, _ in kernel.launches] == [(1,), (2,)]


def plan_of(logits: torch.Tensor, target: torch.Tensor, weight: torch.Tensor | None = None, **options: Any) -> Plan:
    spec = specify(logits, target, weight, **options)
    form = Kernels(spec, "mean")
    return form._plan_for(*form._arguments(logits, target, weight, [0.5] * len(spec.terms)))


def test_calls_that_triton_compiles_anew_for_have_plans_of_their_own() -> None:
    logits, target = torch.zeros(8, 16), torch.zeros(8, dtype=torch.long)
    usual = plan_of(logits, target)
    assert plan_of(torch.ones(8, 16), torch.ones(8, dtype=torch.long)) is usual
    wide = torch.zeros(8, 40)
    others = [
        plan_of(logits.bfloat16(), target),
        plan_of(torch.zeros(4, 16), target[:4]),
        plan_of(wide[:, :16], target),  # rows apart
        plan_of(wide[:, 1:17], target),  # and not where 16 bytes can be read at once
        plan_of(logits, torch.full((8, 16), 1 / 16)),
        plan_of(logits, target, torch.ones(16)),
        plan_of(logits, target, rce=False),
        plan_of(logits, target, eps=1e-3),
    ]
    assert len({id(plan) for plan in (usual, *others)}) == 1 + len(others)


def test_kinds() -> None:
    tensor = torch.zeros(4, 8)
    assert kind(tensor) == (torch.float32, 8, True)
    assert kind(tensor[:, 1:]) == (torch.float32, 8, False)
    assert [kind_of_coefficient(c) for c in (torch.tensor(0.0), 0, 0.0, 2, 0.5)] == [
        torch.float32,
        NONE,
        NONE,
        "int",
        "float",
    ]
    assert [block_of(count) for count in (1, 26, 4096, 50257)] == [1, 32, 4096, 4096]


def test_a_cpu_has_no_kernels() -> None:
    logits, target = torch.zeros(8, 16), torch.zeros(8, dtype=torch.long)
    spec = specify(logits, target, None)
    assert form_for(logits, target, spec, "mean") is None
    assert not isinstance(form_for(logits, target, spec, "mean", fused=True), Kernels)
