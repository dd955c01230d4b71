"""Forward and backward of the losses and of cross-entropy in turns, and how much memory they take beside the logits."""

from __future__ import annotations

import statistics
import timeit
from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from entreg.losses import CrossEntropyLoss, MinEntLoss, MixEntLoss
from entreg.losses.functional import entropy_regularized
from tests.benchmarks.gpu.graph import captured
from tests.benchmarks.gpu.table import Table

Loss = Callable[[Tensor, Tensor], Tensor]
FIXED = {"constraint": "fixed", "learn_bases": False}
SIZES = {"cuda": ((128, 26), (8192, 1000), (8192, 50257)), "cpu": ((128, 26), (256, 1000))}
BARS = {
    ((8192, 50257), torch.bfloat16): "0.35, memory 1.6",
    ((8192, 50257), torch.float32): "0.6, memory 1.1",
    ((8192, 1000), torch.bfloat16): "2.5 fixed, 4 learnt, 1.0 in a graph",
    ((8192, 1000), torch.float32): "2.5 fixed, 4 learnt, 1.0 in a graph",
}


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """PyTorch's own, computed in float32 as ours are."""
    return F.cross_entropy(logits.float(), target)


def table_of_losses(device: str) -> dict[str, Loss]:
    """What is compared; the first is what all are divided by."""

    def plain(logits: Tensor, target: Tensor) -> Tensor:
        return entropy_regularized(logits, target, ce=0.2, entropy=0.35, fused=False)

    losses: dict[str, Loss] = {
        "F.cross_entropy": cross_entropy,
        "CE": CrossEntropyLoss().to(device),
        "MIX-ENT fixed": MixEntLoss(**FIXED).to(device),
        "MIX-ENT learnt": MixEntLoss().to(device),
        "MIN-ENT fixed": MinEntLoss(**FIXED).to(device),
        "MIN-ENT learnt": MinEntLoss().to(device),
        "MIN-ENT plain": plain,
    }
    if device == "cuda":
        losses["F.cross_entropy compiled"] = torch.compile(cross_entropy, fullgraph=True)
    return losses


class Step:
    """Forward and backward of a loss on one batch."""

    def __init__(self, loss: Loss, logits: Tensor, target: Tensor) -> None:
        self.loss, self.logits, self.target = loss, logits, target

    def __call__(self) -> None:
        self.logits.grad = None
        self.loss(self.logits, self.target).backward()


def in_turns(calls: Sequence[Callable[[], None]], device: str, seconds: float) -> list[tuple[float, ...]]:
    """Times of each of some calls, round after round: what slows the machine down for a while slows all of them.

    On a GPU a time is that of several calls between two looks at the clock.
    """
    repeat = 5 if device == "cuda" else 1
    for call in calls:
        for _ in range(3):
            call()
    rounds: list[tuple[float, ...]] = []
    while sum(map(sum, rounds)) * repeat < seconds or len(rounds) < 10:
        rounds.append(tuple(_seconds(call, device, repeat) for call in calls))
    return rounds


def _seconds(call: Callable[[], None], device: str, repeat: int) -> float:
    """Time of a call, of which there are some."""
    if device == "cpu":
        return timeit.timeit(call, number=repeat) / repeat
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    torch.cuda.synchronize()
    start.record()
    for _ in range(repeat):
        call()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / 1e3 / repeat


def against(first: Callable[[], None], call: Callable[[], None], device: str, seconds: float) -> tuple[float, float]:
    """Median time of a call, and the median of its shares of the other's time in the same round."""
    rounds = in_turns([first, call], device, seconds)
    return statistics.median(taken for _, taken in rounds), statistics.median(taken / own for own, taken in rounds)


def extra_memory(step: Step) -> float:
    """Peak of a step above what was held before, as a multiple of the logits."""
    step.logits.grad = None
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    held = torch.cuda.memory_allocated()
    step()
    return (torch.cuda.max_memory_allocated() - held) / step.logits.nbytes


def measure(device: str, seconds: float, table: Table) -> None:
    """Add the rows of this part."""
    for size in SIZES[device]:
        for dtype in (torch.float32, torch.bfloat16):
            if not table.wants("losses", f"{size} {dtype}"):
                continue
            generator = torch.Generator(device).manual_seed(0)
            logits = torch.randn(size, generator=generator, device=device).mul_(3).to(dtype).requires_grad_()
            target = torch.randint(size[1], size[:1], generator=generator, device=device)
            table.measure("losses", f"{size} {dtype}", partial(_measure, device, seconds, table, logits, target))


def _measure(device: str, seconds: float, table: Table, logits: Tensor, target: Tensor) -> None:
    steps = {name: Step(loss, logits, target) for name, loss in table_of_losses(device).items()}
    first = next(iter(steps.values()))
    first_captured = captured(first) if device == "cuda" else None
    size = tuple(logits.shape)
    shown = f"{size} {str(logits.dtype).removeprefix('torch.')}"
    for name, step in steps.items():
        step()
        eager, share = against(first, step, device, seconds)
        value = f"{1e3 * eager:.3f} ms {share:.2f}x"
        if first_captured:
            graph, share = against(first_captured, captured(step), device, seconds)
            value += f", graph {1e3 * graph:.3f} {share:.2f}x, mem {extra_memory(step):.2f}"
        bar = BARS.get((size, logits.dtype), "") if "ENT " in name and "plain" not in name else ""
        table.add("losses", f"{shown} {name}", value, bar)
    if device == "cuda":

        def bound() -> None:
            out.copy_(logits.detach())
            logits.detach().sum()

        out = torch.empty_like(logits)
        taken, share = against(first, bound, device, seconds)
        table.add("losses", f"{shown} two reads and a write", f"{1e3 * taken:.3f} ms {share:.2f}x")
