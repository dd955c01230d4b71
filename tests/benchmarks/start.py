"""Seconds from the command to the first training step.

    python -m tests.benchmarks.start [--before PATH] [--pairs N] [--device cpu|cuda]

``entreg fit --config configs/quickstart.yaml``, its data drawn before, as often as asked, each time in a new process
that ends after its first step; with ``--before``, in turns with another checkout's. Wall seconds and the processor's
own (user and system), which other work on the machine disturbs less, to the beginning of the step and to its end:
medians, minima, and the median of the pairs' ratios. On a machine with other work, set ``OMP_NUM_THREADS=1``.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.benchmarks import first_step

HERE = Path(__file__).resolve().parents[2]
KEYS = {
    "start": "to the first step, wall",
    "cpu_start": "to the first step, CPU",
    "end": "to its end, wall",
    "cpu_end": "to its end, CPU",
}
Seconds = Mapping[str, float]


def measure(tree: Path, folder: Path, device: str) -> Seconds:
    """Start once and return the seconds of :data:`KEYS`; the files of the run are made in ``folder``."""
    shutil.copy(first_step.__file__, folder / "first_step.py")
    found = folder / "first_step.json"
    found.unlink(missing_ok=True)
    environment = {
        **os.environ,
        "PYTHONPATH": str(tree),
        "ENTREG_DATA": str(folder / "data"),
        "FIRST_STEP": str(found),
        "WANDB_MODE": "offline",
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # else our own modules, unlike others', are compiled each time
    config = str(tree / "configs" / "quickstart.yaml")
    options = ["--trainer.callbacks", "first_step.FirstStep", "--trainer.accelerator", device]
    began = time.time()
    command = [sys.executable, "-m", "entreg", "fit", "--config", config, *options]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if not found.is_file():
        raise RuntimeError(f"{tree} did not come to its first step: {ended.stderr}")
    shutil.rmtree(folder / "runs")
    seconds = json.loads(found.read_text())
    return {key: seconds[key] - (0.0 if key.startswith("cpu_") else began) for key in KEYS}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="checkout to compare with")
    parser.add_argument("--pairs", type=int, default=8, help="starts of each")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    trees = {"before": args.before.resolve()} if args.before else {}
    trees["now"] = HERE
    taken: dict[str, list[Seconds]] = {name: [] for name in trees}
    with tempfile.TemporaryDirectory() as folder:
        for tree in trees.values():  # draws the data, and fills caches
            measure(tree, Path(folder), args.device)
        for pair in range(args.pairs):
            for name in trees if pair % 2 else reversed(trees):
                taken[name].append(measure(trees[name], Path(folder), args.device))
                seconds = taken[name][-1]
                print(f"{pair} {name:6}", *(f"{key} {seconds[key]:.2f}" for key in KEYS), flush=True)
    print()
    for key, title in KEYS.items():
        columns = [[seconds[key] for seconds in taken[name]] for name in trees]
        told = [
            f"{name} {statistics.median(column):.2f} (least {min(column):.2f})"
            for name, column in zip(trees, columns, strict=True)
        ]
        if args.before:
            ratios = [now / before for before, now in zip(*columns, strict=True)]
            told.append(f"ratio {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")
        print(f"{title + ':':26}", ", ".join(told))


if __name__ == "__main__":
    main()
