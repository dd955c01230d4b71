"""Many runs on one card: images per second of all together, and how long a run takes from command to summary."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.benchmarks.gpu.table import Table
from tests.benchmarks.timing import REPOSITORY


def run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a command of entreg in a folder."""
    environment = {**os.environ, "PYTHONPATH": f"{REPOSITORY}:{os.environ.get('PYTHONPATH', '')}"}
    command = [sys.executable, "-m", "entreg", *command]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, cwd=folder)


def sweep(root: Path, workers: int, batch_size: int, epochs: int, options: list[str], folder: Path) -> list[Path]:
    """Train as many runs as workers by ``entreg sweep --workers``; return their folders."""
    config = folder / "sweep.yaml"
    config.write_text(  # seeds are drawn: those of a list would be compared in the end, which takes its time
        f"name: x\nfit: [{REPOSITORY / 'configs' / 'cross_entropy.yaml'}]\nsampler: random\ntrials: {workers}\n"
        "parameters:\n  seed_everything: {low: 0, high: 1000000}\n"
    )
    command = ["sweep", "--config", str(config), "--folder", str(folder / "sweep")]
    command += ["--workers", str(workers), "--", "--data.root", str(root), "--data.batch_size", str(batch_size)]
    command += ["--trainer.max_epochs", str(epochs), "--trainer.logger", "false", "--figures", "false"]
    command += ["--data.ood", "[]", *options]
    done = run(command, folder)
    runs = sorted((folder / "sweep" / "runs").glob("*/metrics.csv"))
    if done.returncode or len(runs) != workers:
        logs = "".join(path.read_text()[-300:] for path in (folder / "sweep" / "logs").glob("*"))
        raise RuntimeError(f"code {done.returncode}: {done.stdout[-300:]} {done.stderr[-500:]} {logs[-800:]}")
    return [path.parent for path in runs]


def together(runs: list[Path], batch_size: int) -> float:
    """Images per second of all runs while all of them train, from the clock in their logs."""
    times = []
    for run in runs:
        with (run / "metrics.csv").open() as file:
            times.append(
                [(float(row["time"]), int(row["step"])) for row in csv.DictReader(file) if row["name"] == "loss/train"]
            )
    start, end = max(rows[0][0] for rows in times), min(rows[-1][0] for rows in times)
    steps = 0.0
    for rows in times:
        inside = [(moment, step) for moment, step in rows if start <= moment <= end]
        if len(inside) < 2:
            raise RuntimeError("the runs trained at different times: give them more epochs")
        (first, since), (last, until) = inside[0], inside[-1]
        steps += (until - since) / (last - first)
    return steps * batch_size


def measure(root: Path, device: str, table: Table) -> None:
    """Add the rows of this part."""
    plans = [(128, n, 1, ["--model.graph", "false"]) for n in (1, 8)]
    plans += [(512, n, e, []) for n, e in ((1, 3), (4, 2), (8, 1), (16, 1))]
    if device == "cpu":
        plans = [(1024, 2, 3, ["--model.net", "MLP"])]
    alone: dict[int, float] = {}
    for batch_size, workers, epochs, options in plans:

        def rows(name: str, plan: tuple[int, int, int, list[str]] = (batch_size, workers, epochs, options)) -> None:
            batch_size, workers, epochs, options = plan
            bar = "(1.5)" if "--model.graph" in options else "(0.95)"
            began = time.time()
            with tempfile.TemporaryDirectory() as folder:
                speed = together(sweep(root, workers, batch_size, epochs, options, Path(folder)), batch_size)
            if workers == 1:
                alone[batch_size] = speed
            share = f"{speed / alone[batch_size]:.2f} of one" if batch_size in alone else ""
            table.add("workers", name, f"{speed:,.0f} images/s, {time.time() - began:.0f} s in all", f"{share} {bar}")

        name = f"{workers} workers, batch {batch_size} {' '.join(options)}"
        table.measure("workers", name, partial(rows, name))


def whole_run(root: Path, device: str, table: Table) -> None:
    """Add how long ten epochs take, from the command to the summary."""
    with table.reporting("start", "ten epochs"), tempfile.TemporaryDirectory() as folder:
        command = ["fit", "--config", str(REPOSITORY / "configs" / "cross_entropy.yaml")]
        command += ["--data.root", str(root), "--data.batch_size", "512", "--data.ood", "[noise, digits, kmnist]"]
        command += ["--trainer.logger", "false", "--trainer.enable_progress_bar", "false", "--runs", folder]
        if device == "cpu":
            command += ["--trainer.max_epochs", "1", "--model.net", "MLP"]
        began = time.time()
        done = run(command, Path(folder))
        seconds = time.time() - began
        if done.returncode:
            raise RuntimeError(done.stderr[-500:])
        summary = json.loads(next(Path(folder).glob("*/summary.json")).read_text())
        said = f"{seconds:.1f} s, {summary['train_seconds']} training, {summary['test']['errors']} errors"
        table.add("start", "ten epochs at batch 512, from command to summary", said, "30 s")
