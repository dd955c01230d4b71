"""What only a GPU can show to be right: captured steps, losses as kernels, NaN, kill and resume."""

from __future__ import annotations

import os
import signal
import tempfile
import warnings
from collections.abc import Sequence
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

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

    waits: ClassVar[list[str]] = []

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == 5:
            self.caught = warnings.catch_warnings(record=True)
            self.found = self.caught.__enter__()
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
        if trainer.global_step == 45:
            planted = len(self.found)
            torch.ones((), device=pl_module.device).item()  # a wait that has to be seen
            torch.cuda.set_sync_debug_mode("default")
            self.caught.__exit__(None, None, None)
            if not any("synchroniz" in str(w.message) for w in self.found[planted:]):
                raise RuntimeError("a planted wait was not seen, so that none of the others would have been")
            waits = [w for w in self.found[:planted] if "synchroniz" in str(w.message)]
            type(self).waits = [f"{w.filename}:{w.lineno}" for w in waits]


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
    table.measure("checks", "losses", lambda: table.add("checks", "losses against float64", *losses_agree(device)))
    with tempfile.TemporaryDirectory() as folder:
        Trainings(root, Path(folder), device, table).measure()


EAGER, GRAPH = ("--model.graph", "false"), ("--model.graph", "true")
EXACT = ("--trainer.deterministic", "true")
CALLBACK = f"--trainer.callbacks+={__name__}"


class Trainings:
    """Short trainings that are compared with one another; one that several comparisons need is done once."""

    def __init__(self, root: Path, runs: Path, device: str, table: Table) -> None:
        self.root, self.runs, self.device, self.table = root, runs, device, table
        self.known: dict[tuple[str, ...], list[dict[str, Tensor]]] = {}

    def measure(self) -> None:
        self.table.measure("checks", "two eager runs", lambda: self.distance("two eager runs", EAGER, EAGER))
        self.table.measure("checks", "captured and eager", lambda: self.distance("captured and eager", GRAPH, EAGER))
        exact = "captured and eager, deterministic"
        self.table.measure("checks", exact, lambda: self.distance(exact, (*GRAPH, *EXACT), (*EAGER, *EXACT)))
        self.table.measure("checks", "kill and resume", self.kill_and_resume)
        for name, options in (("captured", GRAPH), ("eager", EAGER)):
            if self.device == "cuda":
                self.table.measure("checks", f"waits, {name}", partial(self.waits, name, options))
            self.table.measure("checks", f"NaN, {name}", partial(self.nan, name, options))

    def train(self, name: str, *options: str) -> int:
        return train(self.root, self.runs, name, *options, device=self.device)

    def of(self, options: Sequence[str], which: int = 0) -> dict[str, Tensor]:
        """Weights of a training with these options."""
        found = self.known.setdefault(tuple(options), [])
        while len(found) <= which:
            name = f"run{len(self.known)}_{len(found)}"
            if code := self.train(name, *options):
                raise RuntimeError(f"entreg fit {' '.join(options)} ended with {code}")
            found.append(weights(self.runs, name))
        return found[which]

    def distance(self, name: str, one: Sequence[str], other: Sequence[str]) -> None:
        value = difference(self.of(one), self.of(other, int(one == other)))
        self.table.add("checks", f"{name}: distance of the weights", f"{value:.3g}", "0 if that can be had")

    def kill_and_resume(self) -> None:
        code = self.train("killed", *GRAPH, f"{CALLBACK}.KillAt", "--trainer.callbacks.step=85")
        again = main(["fit", "--run", str(self.runs / "x-killed"), "--trust"])
        value = difference(self.of(GRAPH), weights(self.runs, "killed"))
        name = f"killed (code {code}), resumed (code {again}): distance of the weights"
        self.table.add("checks", name, f"{value:.3g}", "75, 0, 0")

    def waits(self, name: str, options: Sequence[str]) -> None:
        CountWaits.waits = ["not counted"]
        if code := self.train(f"waits_{name}", *options, f"{CALLBACK}.CountWaits"):
            raise RuntimeError(f"entreg fit ended with {code}")
        found = sorted(set(CountWaits.waits))
        self.table.add("checks", f"waits of 40 steps, {name}", f"{len(CountWaits.waits)} {found[:3]}", "0")

    def nan(self, name: str, options: Sequence[str]) -> None:
        wild = ("--model.optimizer", "AdamW", "--model.optimizer.lr", "1e20", "--model.schedule", "null")
        code = self.train(f"nan_{name}", *options, *wild)
        state = weights(self.runs, f"nan_{name}", "post-mortem")
        finite = all(bool(value.isfinite().all()) for value in state.values())
        self.table.add("checks", f"NaN, {name}: exit code, weights finite", f"{code}, {finite}", "1, True")


def losses_agree(device: str) -> tuple[str, str]:
    """Worst relative error of the closed form in float32 over all kinds of calls, against float64."""
    worst, where = 0.0, ""
    calls = [  # each is compiled for itself
        ("hard", False, 0.0, False, "mean", 26, {"ce": 0.7, "entropy": 0.4}),
        ("hard", True, 0.0, False, "none", 1000, {"ce": 0.3, "rce": 0.5}),
        ("hard", True, 0.1, True, "sum", 5000, {"ce": 0.3, "rce": 0.5, "entropy": 0.1}),
        ("soft", True, 0.0, False, "mean", 1000, {"ce": 0.7, "entropy": 0.4, "rce": 0.1}),
    ]
    for call in calls:
        error = _error(device, *call)  # type: ignore[arg-type]
        if error > worst:
            worst, where = error, str(call)
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
