"""Images per second of training VGG-5 on EMNIST-Letters, in turns of a few seconds each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

import torch
import torch.nn.functional as F

from entreg.cli.machine import best_precision
from entreg.data import EMNIST, kept
from entreg.models import VGG5
from tests.benchmarks.gpu.graph import captured
from tests.benchmarks.gpu.table import Table
from tests.benchmarks.hosted import fit
from tests.benchmarks.recipes import bare_loop, spinalnet
from tests.benchmarks.timing import Meter, take_turn

COMPILE = ("--model.compile", "true")
EAGER = ("--model.graph", "false")
WARM_UP = 30  # steps that are not timed: algorithms are chosen, a graph is captured


def resident_loop(data: EMNIST, device: str, batch_size: int, graph: bool, compiled: bool = False) -> Iterator[int]:
    """A loop over images on the device with nothing around it: what the card can do, with or without a CUDA graph."""
    images, targets = (tensor.to(device) for tensor in (data.train_set.inputs, data.train_set.targets))
    ids_of_training = data.train_ids.to(device)
    table = data.augment.table(len(images), 28, 28, 0, 0).to(device)
    net = VGG5().to(device, memory_format=torch.channels_last).train()
    if compiled:
        net.compile()
    optimizer = torch.optim.AdamW(net.parameters(), lr=2e-3, weight_decay=0.05, fused=True, capturable=device == "cuda")
    ids = torch.empty(batch_size, dtype=torch.int64, device=device).copy_(ids_of_training[:batch_size])
    from entreg.data.images.augment.warp import warp

    def step() -> None:
        image = (warp(images[ids].float(), table[ids]) - 43.9) / 84.0
        with torch.autocast(device, torch.bfloat16, enabled=best_precision(device) == "bf16-mixed"):
            loss = F.cross_entropy(net(image.contiguous(memory_format=torch.channels_last)).float(), targets[ids])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()

    call = captured(step) if graph else step
    for _ in count():
        order = ids_of_training[torch.randperm(len(ids_of_training), device=device)]
        for chosen in order.split(batch_size)[: len(order) // batch_size]:
            ids.copy_(chosen)
            call()
            yield batch_size


class Follower:
    """Measures ``entreg fit`` once it is warm."""

    def __init__(self, seconds: float) -> None:
        self.meter = Meter(seconds, WARM_UP)

    def start(self) -> None:
        self.meter.start()

    def step(self, images: int) -> bool:
        return self.meter.step(images)


def entreg_fit(root: Path, device: str, seconds: float, batch_size: int, options: Sequence[str]) -> float:
    """Images per second of ``entreg fit``."""
    follower = Follower(seconds)
    size = ("--data.batch_size", str(batch_size), "--trainer.max_epochs", "1000")
    fit(root, follower, device, [*size, *options])
    return follower.meter.speed


def measure(root: Path, device: str, seconds: float, table: Table) -> None:
    """Add the rows of this part."""
    kept.keep()  # the file is read once
    data = EMNIST(root=str(root))
    data.setup()
    on_gpu = device == "cuda"
    small, large = (128, 512) if on_gpu else (32, 64)
    seen: dict[str, float] = {}

    def row(name: str, speed: Callable[[], float], divided_by: str = "", bar: str = "") -> None:
        def rows() -> None:
            seen[name] = speed()
            share = f"{seen[name] / seen[divided_by]:.2f} of {divided_by} " if divided_by in seen else ""
            table.add("training", name, f"{seen[name]:,.0f} images/s", f"{share}{bar}")

        table.measure("training", name, rows)

    def loop(batch_size: int, graph: bool, compiled: bool = False) -> Callable[[], float]:
        return lambda: take_turn(resident_loop(data, device, batch_size, graph, compiled), seconds, WARM_UP)

    def ours(batch_size: int, *options: str) -> Callable[[], float]:
        return lambda: entreg_fit(root, device, seconds, batch_size, options)

    row("script", lambda: take_turn(spinalnet(VGG5(), root, data.train_ids, device, 8), seconds, WARM_UP))
    row(f"bare loop, {data.batch_size}", lambda: take_turn(bare_loop(data, device, steps=7310), seconds, WARM_UP))
    for size in (small, large):
        row(f"resident loop, {size}", loop(size, graph=False))
        row(f"entreg fit --model.graph false, {size}", ours(size, *EAGER))
        if on_gpu:
            row(f"graph loop, {size}", loop(size, graph=True))
            bar = "(0.85, and 55,000)" if size == small else "(0.88)"
            row(f"entreg fit, {size}", ours(size), f"graph loop, {size}", bar)
    if on_gpu:
        row("entreg fit, 100", ours(100), "script", "(3.3)")
        row(f"compiled graph loop, {large}", loop(large, True, True))
        row(
            f"entreg fit --model.compile true, {large}",
            ours(large, *COMPILE),
            f"compiled graph loop, {large}",
            "(145,000)",
        )
        row("entreg fit --model.compile true, 100", ours(100, *COMPILE), "script", "(4)")
