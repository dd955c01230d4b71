"""Images per second of the input pipeline alone: python -m tests.benchmarks.pipeline [--root DIR] [--seconds S]

Ours: a batch of 128 gathered from the resident images, moved to the device as uint8, warped, normalised; the table of
an epoch's warps is drawn within the time. torchvision's: datasets.EMNIST, RandomPerspective, RandomRotation, ToTensor
and Normalize in a DataLoader of batch 100, in this process and in two workers. The same training images for all. They
take turns of S seconds, after steps that are not timed: the batches that workers have ready by then. Medians over the
rounds, of the ratios too.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from entreg.data import EMNIST
from tests.benchmarks.recipes import Images, torchvision_loader
from tests.benchmarks.timing import letters, machine, print_table, ratio, spread, take_turn

OURS, THEIRS = "entreg", "torchvision, 0 workers"
WARM_UP = 8  # two workers hold four batches ready


def ours(data: EMNIST, device: str) -> Iterator[int]:
    loader = data.train_dataloader()
    for epoch in count():
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            batch = type(batch)(*(part.to(device, non_blocking=True) for part in batch))
            yield len(data.transform(batch, epoch).input)


def theirs(loader: DataLoader[Images], device: str) -> Iterator[int]:
    while True:
        for image, target in loader:
            target.to(device)
            yield len(image.to(device))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder of EMNIST/raw; default: ENTREG_DATA, else ../shared/data")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{machine()}\n")
    with letters(args.root) as root:
        data = EMNIST(root=str(root))
        data.setup()
        pipelines = {OURS: ours(data, args.device)}
        for workers in (0, 2):
            loader = torchvision_loader(root, data.train_ids, workers)
            pipelines[f"torchvision, {workers} workers"] = theirs(loader, args.device)
        speeds: dict[str, list[float]] = {name: [] for name in pipelines}
        for _ in range(args.rounds):
            for name, steps in pipelines.items():
                speeds[name].append(take_turn(steps, args.seconds, WARM_UP))
    rows = [
        (name, *spread(values), ratio(values, speeds[THEIRS]), ratio(speeds[OURS], values))
        for name, values in speeds.items()
    ]
    print_table(("input pipeline", "images/s", "rounds", f"/ {THEIRS}", f"{OURS} / this"), rows)


if __name__ == "__main__":
    main()
