"""Time and memory of entreg compare: python -m tests.benchmarks.compare [--runs 100] [--arms 5] [--images 20800]
[--classes 26]

Run folders are written with random predictions on validation and test, then ``entreg compare RUNS --out`` runs in a
process of its own. Printed are its wall time, the time of its processors, and the peak of its resident set.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
import yaml

from entreg.files import write_json
from entreg.runs import Run, write_predictions
from tests.benchmarks.timing import machine

ARMS = ("CrossEntropyLoss", "MinEntLoss", "MixEntLoss", "FocalLoss", "BrierLoss")


def write_runs(root: Path, count: int, arms: int, images: int, classes: int) -> list[str]:
    """Write run folders; return their paths."""
    shared = 2 * torch.randn(images, classes, generator=torch.Generator().manual_seed(0))
    targets = torch.randint(classes, (images,), generator=torch.Generator().manual_seed(1))
    folders = []
    for i in range(count):
        loss, seed = ARMS[i % arms], i // arms
        run = Run(root / f"{loss}-{seed}")
        for split in ("val", "test"):
            logits = shared + torch.randn(images, classes)
            logits[torch.arange(images), targets] += 8
            write_predictions(run.predictions(split), logits, targets, torch.arange(images))
        config = {"model": {"loss": {"class_path": f"entreg.losses.{loss}"}}, "data": {"class_path": "Random"}}
        run.config.write_text(yaml.safe_dump(config))
        write_json(run.summary, {"arm": loss, "seed": seed, "loss": loss, "data": {"name": "random"}})
        folders.append(str(run.path))
    return folders


def main() -> None:
    """Write the runs and time the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--arms", type=int, default=len(ARMS), choices=range(1, len(ARMS) + 1))
    parser.add_argument("--images", type=int, default=20_800)
    parser.add_argument("--classes", type=int, default=26)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folders = write_runs(Path(folder), args.runs, args.arms, args.images, args.classes)
        start = time.perf_counter()
        command = [sys.executable, "-m", "entreg", "compare", *folders, "--out", f"{folder}/report"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    busy, peak = used.ru_utime + used.ru_stime, used.ru_maxrss / 2**20
    print(machine())
    what = f"{args.runs} runs in {args.arms} arms of {args.images} x {args.classes} logits"
    print(f"{what}: {seconds:.1f} s, {busy:.1f} s of processors, peak {peak:.2f} GiB")


if __name__ == "__main__":
    main()
