"""What only a GPU can show to be right: captured steps, losses as kernels, NaN, kill and resume."""

from __future__ import annotations

import itertools
import os
import signal
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from entreg.__main__ import main
from entreg.losses.functional import entropy_regularized
from tests.benchmarks.gpu.table import Table
from tests.benchmarks.timing import REPOSITORY

STEPS = 60  # of an epoch


class KillAt(Callback):
    """Send SIGTERM to this process in the middle of an epoch."""

    def __init__(self, step: int) -> None:
        self.step = step

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == self.step:
            os.kill(os.getpid(), signal.SIGTERM)


class CountWaits(Callback):
    """Count what waits for the device in the steps that do not log."""

    waits: list[str] = []  # noqa: RUF012 - of the process

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == 5:
            self.caught = warnings.catch_warnings(record=True)
            self.found = self.caught.__enter__()
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
        if trainer.global_step == 45:
            torch.cuda.set_sync_debug_mode("default")
            self.caught.__exit__(None, None, None)
            type(self).waits = [f"{w.filename}:{w.lineno}" for w in self.found if "synchroniz" in str(w.message)]


def train(root: Path, runs: Path, name: str, *options: str, device: str) -> int:
    """Train VGG-5 for two short epochs; return the exit code."""
    with redirect_stdout(open(os.devnull, "w")):
        return main(
            [
                *("fit", "--config", str(REPOSITORY / "configs" / "mix_ent.yaml"), "--data.root", str(root)),
                *("--runs", str(runs), "--name", "x", "--id", name, "--trainer.max_epochs", "2", "--data.ood", "[]"),
                *("--trainer.limit_train_batches", str(STEPS), "--trainer.limit_val_batches", "1"),
                *("--trainer.accelerator", "gpu" if device == "cuda" else "cpu", "--trainer.devices", "1"),
                *("--trainer.logger", "false", "--trainer.enable_progress_bar", "false", "--evaluate", "false"),
                *options,
            ]
        )


def weights(runs: Path, name: str, which: str = "last") -> dict[str, Tensor]:
    """Weights of a run on the CPU."""
    return torch.load(runs / f"x-{name}" / "checkpoints" / f"{which}.ckpt", map_location="cpu", weights_only=True)[
        "state_dict"
    ]


def difference(one: dict[str, Tensor], other: dict[str, Tensor]) -> float:
    """Norm of the difference of all floating point weights, as a share of their norm."""
    pairs = [(one[key].double(), other[key].double()) for key in one if one[key].is_floating_point()]
    distance = sum(float((a - b).square().sum()) for a, b in pairs)
    return (distance / sum(float(a.square().sum()) for a, _ in pairs)) ** 0.5


def measure(root: Path, device: str, table: Table) -> None:
    """Add the rows of this part."""
    table.add("checks", "losses against float64, worst error of value and gradient", *losses_agree(device))
    with tempfile.TemporaryDirectory() as folder:
        _trainings(root, Path(folder), device, table)


def _trainings(root: Path, runs: Path, device: str, table: Table) -> None:
    def run(name: str, *options: str) -> dict[str, Tensor]:
        code = train(root, runs, name, *options, device=device)
        if code:
            table.add("checks", f"{name} {' '.join(options)}", f"exit code {code}", "0")
        return weights(runs, name)

    eager, graph = ("--model.graph", "false"), ("--model.graph", "true")
    exact = ("--trainer.deterministic", "true")
    pairs: dict[str, tuple[Sequence[str], Sequence[str], str]] = {
        "two eager runs": (eager, eager, ""),
        "captured and eager": (graph, eager, "as two eager runs"),
        "captured and eager, deterministic": ((*graph, *exact), (*eager, *exact), "0 if that can be had"),
    }
    known: dict[tuple[str, ...], list[dict[str, Tensor]]] = {}
    number = itertools.count()

    def of(options: Sequence[str], which: int) -> dict[str, Tensor]:
        found = known.setdefault(tuple(options), [])
        while len(found) <= which:
            found.append(run(f"r{next(number)}", *options))
        return found[which]

    for name, (one, other, bar) in pairs.items():
        with table.reporting("checks", name):
            value = difference(of(one, 0), of(other, int(one == other)))
            table.add("checks", f"{name}: distance of the weights", f"{value:.3g}", bar)
    callback = f"--trainer.callbacks+={__name__}"
    for name, options in (("captured", graph), ("eager", eager)) if device == "cuda" else ():
        with table.reporting("checks", f"waits, {name}"):
            train(root, runs, f"waits_{name}", *options, f"{callback}.CountWaits", device=device)
            found = sorted(set(CountWaits.waits))
            table.add("checks", f"waits of 40 steps, {name}", f"{len(CountWaits.waits)} {found[:3]}", "0")
    with table.reporting("checks", "kill and resume"):
        kill = (f"{callback}.KillAt", "--trainer.callbacks.step=85")
        code = train(root, runs, "killed", *graph, *exact, *kill, device=device)
        again = main(["fit", "--run", str(runs / "x-killed"), "--trainer.callbacks", "null"])
        value = difference(of((*graph, *exact), 0), weights(runs, "killed"))
        table.add("checks", f"killed (code {code}), resumed (code {again}): distance", f"{value:.3g}", "75, 0, 0")
    for name, options in (("captured", graph), ("eager", eager)):
        with table.reporting("checks", f"NaN, {name}"):
            wild = ("--model.optimizer", "AdamW", "--model.optimizer.lr", "1e20", "--model.schedule", "null")
            code = train(root, runs, f"nan_{name}", *options, *wild, device=device)
            state = weights(runs, f"nan_{name}", "post-mortem")
            finite = all(bool(value.isfinite().all()) for value in state.values())
            table.add(
                "checks", f"NaN, {name}: exit code, weights of post-mortem finite", f"{code}, {finite}", "1, True"
            )


def losses_agree(device: str) -> tuple[str, str]:
    """Worst relative error of the closed form in float32 over all kinds of calls, against float64."""
    worst, where = 0.0, ""
    for kind, weighted, smoothing, unlabelled, reduction, classes in itertools.product(
        ("hard", "soft"), (False, True), (0.0, 0.1), (False, True), ("mean", "sum", "none"), (7, 1000, 5000)
    ):
        for coefficients in ({"ce": 1.0}, {"ce": 0.7, "entropy": 0.4}, {"ce": 0.3, "rce": 0.5}):
            error = _error(device, kind, weighted, smoothing, unlabelled, reduction, classes, coefficients)
            if error > worst:
                worst, where = error, f"{kind} {weighted} {smoothing} {unlabelled} {reduction} {classes} {coefficients}"
    return f"{worst:.2g} ({where})"[:120], "1e-5"


def _error(
    device: str,
    kind: str,
    weighted: bool,
    smoothing: float,
    unlabelled: bool,
    reduction: Any,
    classes: int,
    coefficients: dict[str, float],
) -> float:
    generator = torch.Generator(device).manual_seed(classes)
    logits = torch.randn(33, classes, generator=generator, device=device) * 3
    if kind == "soft":
        target = torch.randn(33, classes, generator=generator, device=device).softmax(1)
    else:
        target = torch.randint(classes, (33,), generator=generator, device=device)
        target[1] = -100
    weight = torch.linspace(0.5, 2.0, classes, device=device) if weighted else None
    slope = torch.linspace(0.1, 1.0, 33, device=device) if reduction == "none" else None
    results: list[list[Tensor]] = []
    for dtype, fused in ((torch.float32, True), (torch.float64, False)):

        def cast(value: Tensor | None, dtype: torch.dtype = dtype) -> Tensor | None:
            return None if value is None else value.to(dtype) if value.is_floating_point() else value

        leaves = [logits.to(dtype).requires_grad_()]
        given = {k: torch.tensor(v, dtype=dtype, device=device, requires_grad=True) for k, v in coefficients.items()}
        value = entropy_regularized(
            leaves[0], cast(target), weight=cast(weight), label_smoothing=smoothing, unlabelled=unlabelled,
            reduction=reduction, fused=fused, **given,
        )  # fmt: skip
        gradients = torch.autograd.grad(value, [*leaves, *given.values()], cast(slope))
        results.append([value.detach().double(), *(g.double() for g in gradients)])
    return max(float((a - b).norm() / b.norm().clamp(min=1e-9)) for a, b in zip(*results, strict=True))
