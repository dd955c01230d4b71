"""Time and memory of entreg compare: python -m tests.benchmarks.compare [--runs 100] [--images 20800] [--classes 26]

Run folders of five arms are written with random predictions on validation and test, then ``entreg compare RUNS --out``
runs in a process of its own. Printed are its wall time and the peak of its resident set.
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


def write_runs(root: Path, count: int, images: int, classes: int) -> list[str]:
    """Write run folders; return their paths."""
    shared = 2 * torch.randn(images, classes, generator=torch.Generator().manual_seed(0))
    targets = torch.randint(classes, (images,), generator=torch.Generator().manual_seed(1))
    folders = []
    for i in range(count):
        loss, seed = ARMS[i % len(ARMS)], i // len(ARMS)
        run = Run(root / f"{loss}-{seed}")
        for split in ("val", "test"):
            logits = shared + torch.randn(images, classes)
            logits[torch.arange(images), targets] += 8
            write_predictions(run.predictions(split), logits, targets, torch.arange(images))
        run.config.write_text(yaml.safe_dump({"model": {"loss": {"class_path": f"entreg.losses.{loss}"}}}))
        write_json(run.summary, {"arm": loss, "seed": seed, "loss": loss, "data": {"name": "random"}})
        folders.append(str(run.path))
    return folders


def main() -> None:
    """Write the runs and time the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=100)
    parser.add_argument("--images", type=int, default=20_800)
    parser.add_argument("--classes", type=int, default=26)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        folders = write_runs(Path(folder), args.runs, args.images, args.classes)
        start = time.perf_counter()
        command = [sys.executable, "-m", "entreg", "compare", *folders, "--out", f"{folder}/report"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        seconds = time.perf_counter() - start
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20
    print(machine())
    print(f"{args.runs} runs of {args.images} x {args.classes} logits: {seconds:.1f} s, peak {peak:.2f} GiB")


if __name__ == "__main__":
    main()
