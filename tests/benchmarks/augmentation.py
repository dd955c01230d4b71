"""Images per second of mirroring and shifting alone: python -m tests.benchmarks.augmentation [--seconds S]

Images of 32x32 random pixels in three channels, in batches of 128, uint8 to uint8: ``FlipCrop`` with the tables of its
epochs, against torchvision's RandomCrop and RandomHorizontalFlip on each PIL image, and on each tensor; ``ResizedCrop``
against its RandomResizedCrop and RandomHorizontalFlip, likewise. They take turns of S seconds; medians over the rounds.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from torchvision import transforms
from torchvision.transforms import v2

from entreg.data import Augment, FlipCrop, ResizedCrop
from tests.benchmarks.timing import machine, print_table, ratio, spread, take_turn

SIZE, BATCH, PAD = 32, 128, 4


def as_pil(images: Tensor) -> list[Image.Image]:
    return [Image.fromarray(array) for array in images.permute(0, 2, 3, 1).numpy()]


def shift_and_mirror() -> list[nn.Module]:
    return [transforms.RandomCrop(SIZE, PAD, padding_mode="reflect"), transforms.RandomHorizontalFlip()]


def ours(images: Tensor, augment: Augment) -> Iterator[int]:
    for epoch in count():
        table = augment.table(len(images), *images.shape[-2:], seed=0, epoch=epoch)
        for ids in torch.randperm(len(images)).split(BATCH):
            yield len(augment.apply(images[ids], table[ids]))


def theirs(images: Sequence[Any], transform: Callable[[Any], Any]) -> Iterator[int]:
    while True:
        for ids in torch.randperm(len(images)).split(BATCH):
            yield len([transform(images[i]) for i in ids.tolist()])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{machine()}\n", flush=True)
    images = torch.randint(256, (5000, 3, SIZE, SIZE), dtype=torch.uint8)
    pictures, mirror = as_pil(images), transforms.RandomHorizontalFlip()
    resized = transforms.Compose([transforms.RandomResizedCrop(SIZE), mirror])
    on_tensors = v2.Compose([v2.RandomCrop(SIZE, PAD, padding_mode="reflect"), v2.RandomHorizontalFlip()])
    for name, augment, others in (
        ("FlipCrop", FlipCrop(PAD), {"PIL": transforms.Compose(shift_and_mirror()), "v2 on tensors": on_tensors}),
        ("ResizedCrop", ResizedCrop(), {"PIL": resized}),
    ):
        turns = {name: ours(images, augment)}
        for which, transform in others.items():
            turns[f"torchvision, {which}"] = theirs(pictures if which == "PIL" else images, transform)
        speeds: dict[str, list[float]] = {key: [] for key in turns}
        for _ in range(args.rounds):
            for key, steps in turns.items():
                speeds[key].append(take_turn(steps, args.seconds, warm_up=2))
        rows = [(key, *spread(values), ratio(speeds[name], values)) for key, values in speeds.items()]
        print_table(("augmentation", "images/s", "rounds", f"{name} / this"), rows)
        print()


if __name__ == "__main__":
    main()
