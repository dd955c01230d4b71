"""Forward and backward of the losses against cross-entropy, and how much memory they take beside the logits."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from entreg.losses import CrossEntropyLoss, MinEntLoss, MixEntLoss
from entreg.losses.functional import entropy_regularized
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
    """Forward and backward of a loss on one batch, eager or as a graph."""

    def __init__(self, loss: Loss, logits: Tensor, target: Tensor) -> None:
        self.loss, self.logits, self.target = loss, logits, target

    def __call__(self) -> None:
        self.logits.grad = None
        self.loss(self.logits, self.target).backward()

    def captured(self) -> Callable[[], None]:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            self()
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            self()
        return graph.replay


def seconds_of(call: Callable[[], None], device: str, seconds: float) -> float:
    """Median time of a call, several of them between two looks at the clock."""
    if device == "cpu":
        import timeit

        call()
        return statistics.median(timeit.repeat(call, number=1, repeat=5))
    for _ in range(3):
        call()
    torch.cuda.synchronize()
    taken: list[float] = []
    while sum(taken) < seconds or len(taken) < 10:
        start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        for _ in range(5):
            call()
        end.record()
        end.synchronize()
        taken.append(start.elapsed_time(end) / 1e3)
    return statistics.median(taken) / 5


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
    first = first_captured = None
    size = tuple(logits.shape)
    for name, loss in table_of_losses(device).items():
        step = Step(loss, logits, target)
        step()
        memory = extra_memory(step) if device == "cuda" else float("nan")
        eager = seconds_of(step, device, seconds)
        captured = seconds_of(step.captured(), device, seconds) if device == "cuda" else float("nan")
        first, first_captured = first or eager, first_captured or captured
        label = f"{size} {str(logits.dtype).removeprefix('torch.')} {name}"
        value = (
            f"{1e3 * eager:.3f} ms {eager / first:.2f}x, graph {1e3 * captured:.3f} {captured / first_captured:.2f}x"
        )
        bar = BARS.get((size, logits.dtype), "") if "ENT " in name and "plain" not in name else ""
        table.add("losses", label, f"{value}, mem {memory:.2f}", bar)
    if device == "cuda":
        out = torch.empty_like(logits)
        bound = seconds_of(lambda: (out.copy_(logits.detach()), logits.detach().sum()), device, seconds)  # type: ignore[func-returns-value]
        label = f"{size} {str(logits.dtype).removeprefix('torch.')} two reads and a write"
        table.add("losses", label, f"{1e3 * bound:.3f} ms {bound / first:.2f}x")  # type: ignore[operator]
