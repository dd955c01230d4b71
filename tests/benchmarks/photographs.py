"""Training on photographs against a plain PyTorch loop with torchvision's augmentation.

    unzip -q ../shared/data/CIFAR100.zip -d DIR
    python -m tests.benchmarks.photographs DIR [--epochs 10] [--samples N] [--seeds S] [--out FILE]

Both train a ResNet-18 of a third of its width with cross-entropy on the same images of an ``ImageFolder``, in float32
and channels_last, by SGD with Nesterov's momentum under one one-cycle rate: ``entreg fit`` (metrics, metrics.csv and
checkpoints on, W&B and progress bar off), and a loop over a DataLoader with RandomCrop, RandomHorizontalFlip, ToTensor
and Normalize. They take turns of as many steps in one process, Lightning being interrupted for the other's turns. Then
both networks are given the training images, without augmentation, and the test images: the difference of their
accuracies has the 95 % interval of one seed's paired answers, or Student's over several seeds. Every seed that is done
is a line of FILE, and is not done again.
"""

from __future__ import annotations

import argparse
import json
import math
import statistics
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from entreg.data import Damage, ImageFolder
from entreg.models import Timm
from entreg.schedules import OneCycle
from tests.benchmarks.augmentation import as_pil, shift_and_mirror
from tests.benchmarks.hosted import fit
from tests.benchmarks.timing import machine, print_table, ratio, spread

OURS, THEIRS = "entreg fit", "plain loop, torchvision"
BATCH, LR, DECAY = 128, 0.1, 5e-4
OPTIONS = {"channels": [22, 44, 88, 176]}
WARM_UP = 8  # steps of a turn that are not timed: two workers hold four batches ready


class Pictures(Dataset[tuple[Tensor, int]]):
    """Images of some ids as PIL images, transformed one by one."""

    def __init__(self, data: ImageFolder, transform: transforms.Compose) -> None:
        images, targets, _ = data.train_set[data.train_ids]
        self.images = as_pil(images)
        self.targets = targets.tolist()
        self.transform = transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> tuple[Tensor, int]:
        return self.transform(self.images[i]), self.targets[i]


def plain_loop(data: ImageFolder, net: nn.Module, epochs: int, workers: int) -> Iterator[int]:
    """Train; yield the number of images of each step once it is done."""
    steps = [*shift_and_mirror(), transforms.ToTensor(), transforms.Normalize(data.mean, data.std)]
    pictures = Pictures(data, transforms.Compose(steps))
    loader = DataLoader(
        pictures, BATCH, shuffle=True, num_workers=workers, drop_last=True, persistent_workers=workers > 0
    )
    net.to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.SGD(net.parameters(), LR, momentum=0.9, nesterov=True, weight_decay=DECAY, fused=True)
    schedule = OneCycle(optimizer, epochs * len(loader))
    for _ in range(epochs):
        for image, target in loader:
            loss = F.cross_entropy(net(image.contiguous(memory_format=torch.channels_last)), target)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            yield len(target)


class Turns:
    """Turns of Lightning's training and of the other, run while Lightning waits."""

    def __init__(self, other: Iterator[int], total: int, length: int) -> None:
        self.other = other
        self.total = total
        self.length = length
        self.done = 0
        self.speeds: dict[str, list[float]] = {OURS: [], THEIRS: []}

    def start(self) -> None:
        self.steps, self.began = 0, time.perf_counter()

    def step(self, images: int) -> bool:
        self.steps += 1
        if self.steps == WARM_UP:
            self.began = time.perf_counter()
        if self.steps == self.length:
            self._take(OURS, time.perf_counter() - self.began)
            for i, _ in enumerate(islice(self.other, self.length), start=1):
                if i == WARM_UP:
                    began = time.perf_counter()
            self._take(THEIRS, time.perf_counter() - began)
            self.done += self.length
            medians = ", ".join(f"{name} {statistics.median(speeds):,.0f}" for name, speeds in self.speeds.items())
            share = ratio(self.speeds[OURS], self.speeds[THEIRS])
            print(f"step {self.done:,} of {self.total:,}: images/s {medians}; {share} times", file=sys.stderr)
            self.start()
        return True

    def _take(self, name: str, seconds: float) -> None:
        self.speeds[name].append((self.length - WARM_UP) * BATCH / seconds)


def right_answers(net: nn.Module, data: ImageFolder, train: bool) -> Tensor:
    """Whether each image is classified correctly."""
    net.eval()
    samples = data.train_set if train else data.test_set
    ids = data.train_ids if train else torch.arange(len(samples))
    with torch.inference_mode():
        batches = (data.transform(samples[part], None) for part in ids.split(500))
        return torch.cat([net(batch.input).argmax(1) == batch.target for batch in batches])


def one_seed(data: ImageFolder, args: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Train both; return speeds, accuracies and how their answers differ."""
    torch.manual_seed(seed)
    theirs = Timm(3, data.num_classes, "resnet18", data.image_size, options=OPTIONS)
    loop = plain_loop(data, theirs, args.epochs, args.workers)
    turns = Turns(loop, args.epochs * (len(data.train_ids) // BATCH), args.turn)
    ours = fit(
        args.root,
        turns,
        "cpu",
        [
            *("--data", "ImageFolder", "--data.root", str(args.root), "--data.batch_size", str(BATCH)),
            *("--data.damage.fraction", str(args.fraction), "--seed_everything", str(seed)),
            *("--trainer.max_epochs", str(args.epochs), "--trainer.precision", "32-true"),
            *("--model.net", "Timm", "--model.net.name", "resnet18", "--model.net.options", json.dumps(OPTIONS)),
            *("--model.optimizer", "torch.optim.SGD", "--model.optimizer.lr", str(LR)),
            *("--model.optimizer.momentum", "0.9", "--model.optimizer.nesterov", "true"),
            *("--model.optimizer.weight_decay", str(DECAY)),
        ],
    )
    for _ in loop:  # the steps after the last whole turn
        pass
    found: dict[str, Any] = {"seed": seed, "epochs": args.epochs, "images": len(data.train_ids)}
    for name, train in (("train", True), ("test", False)):
        mine, others = (right_answers(net, data, train) for net in (ours, theirs))
        difference = mine.double() - others.double()
        found[name] = {
            OURS: mine.double().mean().item(),
            THEIRS: others.double().mean().item(),
            "difference": difference.mean().item(),
            "variance": difference.var().item() / len(difference),
        }
    return found | {"speeds": turns.speeds}


def report(lines: list[dict[str, Any]]) -> None:
    """Print tables of all seeds."""
    speeds = {name: [speed for line in lines for speed in line["speeds"][name]] for name in (OURS, THEIRS)}
    print_table(
        ("training", "images/s", "turns", f"/ {THEIRS}"),
        [(name, *spread(speeds[name]), ratio(speeds[name], speeds[THEIRS])) for name in speeds],
    )
    print()
    rows = []
    for part in ("train", "test"):
        mean = {key: statistics.mean(line[part][key] for line in lines) for key in lines[0][part]}
        if len(lines) == 1:
            half = 1.96 * math.sqrt(mean["variance"])
        else:
            spread_of_seeds = statistics.stdev(line[part]["difference"] for line in lines)
            half = stats.t.ppf(0.975, len(lines) - 1) * spread_of_seeds / math.sqrt(len(lines))
        accuracies = [f"{mean[name]:.2%}" for name in (OURS, THEIRS)]
        rows.append((part, *accuracies, f"{100 * mean['difference']:+.2f} ± {100 * half:.2f}"))
    print_table((f"accuracy, seeds: {len(lines)}", OURS, THEIRS, "difference in points"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("root", type=Path, help="folder of train and test, a folder in each for every class")
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--samples", type=int, help="about as many training images; default: all")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--turn", type=int, default=40, help="steps of each turn, more than 8")
    parser.add_argument("--workers", type=int, default=2, help="of the DataLoader")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path("photographs.jsonl"), help="where finished seeds are kept")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{machine()}\n", flush=True)
    files = {part: len(list((args.root / part).glob("*/*"))) for part in ("train", "test")}
    args.fraction = min(1.0, args.samples / (files["train"] - files["test"])) if args.samples else 1.0
    data = ImageFolder(root=str(args.root), batch_size=BATCH, damage=Damage(fraction=args.fraction))
    data.setup()
    lines = [json.loads(line) for line in args.out.read_text().splitlines()] if args.out.is_file() else []
    done = {line["seed"] for line in lines if (line["epochs"], line["images"]) == (args.epochs, len(data.train_ids))}
    for seed in sorted(set(range(args.seeds)) - done):
        lines.append(one_seed(data, args, seed))
        with args.out.open("a") as file:
            file.write(json.dumps(lines[-1]) + "\n")
    report([line for line in lines if (line["epochs"], line["images"]) == (args.epochs, len(data.train_ids))])


if __name__ == "__main__":
    main()
