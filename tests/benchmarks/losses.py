"""Time and memory of the losses against cross-entropy: python -m tests.benchmarks.losses

One step is forward and backward with the mean over the batch. Every round times every loss once, in turns, after a step
that is not timed; the table shows medians over the rounds and their ratios to torch.nn.functional.cross_entropy. Extra
memory is by how much the resident set of a fresh process peaks in its first step above what it held before, the logits
included; it is shown in MiB and as a multiple of the logits.
"""

from __future__ import annotations

import argparse
import math
import multiprocessing
import statistics
import time
from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from entreg.losses import CrossEntropyLoss, MinEntLoss, MixEntLoss
from entreg.losses.functional import entropy_regularized
from tests.benchmarks.timing import machine

SIZES = ((128, 26), (8192, 1000), (2048, 50257))
DTYPES = (torch.float32, torch.bfloat16)
FIXED = {"constraint": "fixed", "learn_bases": False}
EPS, C1, C2 = 1e-6, 0.203, 0.353
Loss = Callable[[Tensor, Tensor], Tensor]


def composed(logits: Tensor, target: Tensor) -> Tensor:
    """MIX-ENT put together from CE, H and KL of the log-softmax."""
    log_p = F.log_softmax(logits, 1, dtype=torch.float32)
    p = log_p.exp()
    log_p_y = log_p.gather(1, target[:, None])[:, 0]
    h = -(p * log_p).sum(1)
    kl = torch.expm1(log_p_y) * math.log(EPS) - h
    return (C1 * -log_p_y + C2 * (h + kl)).mean()


def literal(logits: Tensor, target: Tensor) -> Tensor:
    """MIX-ENT as the formula is written: softmax, log, one-hot."""
    p = torch.softmax(logits.float(), 1)
    q = F.one_hot(target, logits.shape[1]).float()
    ce = -(q * (p + 1e-12).log()).sum(1)
    rce = -(p * q.clamp(EPS, 1.0).log()).sum(1)
    return (C1 * ce + C2 * rce).mean()


def unfused(logits: Tensor, target: Tensor) -> Tensor:
    """MIX-ENT in our plain form."""
    return entropy_regularized(logits, target, ce=C1, rce=C2, fused=False)


def losses(compiled: bool) -> dict[str, Loss]:
    """What is compared, by name; the first is what all are divided by."""
    table: dict[str, Loss] = {
        "F.cross_entropy": lambda logits, target: F.cross_entropy(logits.float(), target),
        "CrossEntropyLoss": CrossEntropyLoss(),
        "MixEntLoss, fixed": MixEntLoss(**FIXED),
        "MixEntLoss, learnt": MixEntLoss(),
        "MinEntLoss, fixed": MinEntLoss(**FIXED),
        "MIX-ENT, our plain form": unfused,
        "MIX-ENT, log-softmax composition": composed,
        "MIX-ENT, literal": literal,
    }
    if compiled:
        table["MIX-ENT, our plain form compiled"] = torch.compile(unfused, fullgraph=True)
        table["F.cross_entropy compiled"] = torch.compile(table["F.cross_entropy"], fullgraph=True)
    return table


def inputs(size: tuple[int, int], dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(0)
    logits = torch.randn(size, generator=generator).mul_(3).to(dtype).requires_grad_()
    return logits, torch.randint(size[1], size[:1], generator=generator)


def step(loss: Loss, logits: Tensor, target: Tensor) -> None:
    logits.grad = None
    loss(logits, target).backward()


def times(table: dict[str, Loss], size: tuple[int, int], dtype: torch.dtype, seconds: float) -> dict[str, float]:
    """Median seconds of a step of each loss."""
    logits, target = inputs(size, dtype)
    for loss in table.values():
        for _ in range(3):
            step(loss, logits, target)
    taken: dict[str, list[float]] = {name: [] for name in table}
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or len(taken["F.cross_entropy"]) < 5:
        for name, loss in table.items():
            step(loss, logits, target)  # the caches and the allocator in the state this loss leaves them in
            start = time.perf_counter()
            step(loss, logits, target)
            taken[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in taken.items()}


def peak(name: str, size: tuple[int, int], dtype: torch.dtype) -> float:
    """Extra memory of a first step in MiB; to be called in a fresh process."""
    torch.set_num_threads(2)
    logits, target = inputs(size, dtype)
    loss = losses(compiled=False)[name]
    step(loss, *inputs((8, 8), dtype))  # what libraries set up once
    held = _memory("VmRSS")
    step(loss, logits, target)
    return (_memory("VmHWM") - held) / 1024


def _memory(field: str) -> float:
    """KiB of this process's resident set: VmRSS now, VmHWM at its peak."""
    with open("/proc/self/status") as file:
        return float(next(line.split()[1] for line in file if line.startswith(field)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="of timing for each size and dtype")
    parser.add_argument("--no-compile", action="store_true", help="leave torch.compile out")
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{machine()}\n")
    print("| size, dtype | loss | ms | / F.cross_entropy | extra MiB | / logits |")
    print("|---|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    for size in SIZES:
        for dtype in DTYPES:
            torch.compiler.reset()
            median = times(losses(not args.no_compile), size, dtype, args.seconds)
            megabytes = size[0] * size[1] * dtype.itemsize / 2**20
            for name, seconds in median.items():
                memory = "-"
                if "compiled" not in name and megabytes > 1:
                    with context.Pool(1) as pool:
                        extra = pool.apply(peak, (name, size, dtype))
                    memory = f"{extra:.0f} | {extra / megabytes:.2f}"
                else:
                    memory = "- | -"
                ratio = seconds / median["F.cross_entropy"]
                label = f"{size}, {str(dtype).removeprefix('torch.')}"
                print(f"| {label} | {name} | {1e3 * seconds:.3f} | {ratio:.2f} | {memory} |", flush=True)


if __name__ == "__main__":
    main()
