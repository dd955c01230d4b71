"""Pictures per second from disk to the trainer: python -m tests.benchmarks.streaming --archive CIFAR100.zip

Photographs of the archive, upscaled to 256 pixels, are written once as JPEG (quality 90) to ``--folder``, and shrunken
copies of them beside it. Ours: ``ImageFolder`` with a random crop of each picture to 160 pixels; a shrunken copy at 256
pixels with the same crop; one at 160 pixels, whole. torchvision's, with as many workers on the same files:
``datasets.ImageFolder``, RandomResizedCrop and flip, to uint8 tensors, or to floats and normalised as its references
do. Ours are normalised after the transfer, on the device that trains; what that takes on this CPU is a row of its own.

They take turns of S seconds, after steps that are not timed. Medians over the rounds, of the ratios too. Then the
memory of all processes of an epoch of the stream, at its start and at its end, and the processor's time for a picture.
"""

from __future__ import annotations

import argparse
import os
import time
import zipfile
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import count
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.utils.data import DataLoader, default_collate
from torchvision import datasets, transforms

from entreg.data import DecodeCrop, ImageFolder
from entreg.data.images.shrink import shrink
from entreg.data.images.shrunk import INDEX
from tests.benchmarks.timing import machine, print_table, ratio, spread, take_turn

SIZE, CROP, BATCH = 256, 160, 128
MEAN, STD = (0.5071, 0.4865, 0.4409), (0.2673, 0.2564, 0.2762)
STREAM, LARGE, SMALL = "stream, crop to 160", "shrunken to 256, crop to 160", "shrunken to 160"
UINT8, FLOAT = "torchvision, uint8", "torchvision, normalised"


def write_pictures(archive: Path, folder: Path, pictures: int) -> Path:
    """Upscale pictures of the archive to JPEG files, evenly over its classes; a tenth of them for test."""
    root = folder / f"jpeg-{pictures}"
    with zipfile.ZipFile(archive) as packed:
        for part, wanted in (("train", pictures), ("test", pictures // 10)):
            names = [name for name in sorted(packed.namelist()) if name.startswith(part) and name.endswith(".png")]
            for name in (names[k * len(names) // wanted] for k in range(wanted)):
                place = (root / name).with_suffix(".jpg")
                if not place.exists():
                    place.parent.mkdir(parents=True, exist_ok=True)
                    image = Image.open(BytesIO(packed.read(name))).convert("RGB")
                    image.resize((SIZE, SIZE), Image.Resampling.BICUBIC).save(place, quality=90)
    return root


def copied(root: Path, size: int, workers: int) -> Path:
    out = root.with_name(f"{root.name}-{size}")
    if not (out / INDEX).exists():
        data = ImageFolder(str(root), image_size=size)
        shrink({"train": data.stored(train=True), "test": data.stored(train=False)}, data.classes, out, workers)
    return out


def ours(root: Path, size: int, workers: int, crop: bool) -> ImageFolder:
    data = ImageFolder(
        str(root),
        image_size=size,
        crop=DecodeCrop(size=CROP) if crop else None,
        augment=None,
        max_resident_bytes=0,
        batch_size=BATCH,
        num_workers=workers,
        mean=MEAN,
        std=STD,
    )
    data.setup()
    return data


def batches(data: ImageFolder, normalised: bool) -> Iterator[int]:
    loader = data.train_dataloader()
    for epoch in count():
        loader.sampler.set_epoch(epoch)
        for batch in loader:
            yield len(data.transform(batch, epoch).input if normalised else batch.input)


def theirs(root: Path, normalised: bool) -> datasets.ImageFolder:
    ending: list[Any] = [transforms.PILToTensor()]
    if normalised:
        ending += [transforms.ConvertImageDtype(torch.float32), transforms.Normalize(MEAN, STD)]
    steps = [transforms.RandomResizedCrop(CROP, antialias=True), transforms.RandomHorizontalFlip(), *ending]
    return datasets.ImageFolder(str(root / "train"), transforms.Compose(steps))


def their_batches(pictures: datasets.ImageFolder, workers: int) -> Iterator[int]:
    loader = DataLoader(pictures, BATCH, shuffle=True, drop_last=True, num_workers=workers, persistent_workers=True)
    while True:
        for image, _ in loader:
            yield len(image)


def processor_times(stream: ImageFolder, large: ImageFolder, small: ImageFolder, root: Path) -> Iterator[list[str]]:
    """Cells of the processor's milliseconds for a picture in one thread, the least of four; what waits is not in it."""
    torch.set_num_threads(1)
    ids = stream.train_ids[torch.randperm(len(stream.train_ids))[:256]]
    batch = stream.train_set.of_epoch(0, ids)
    uint8, floats = theirs(root, normalised=False), theirs(root, normalised=True)
    fetches: dict[str, Callable[[], object]] = {
        STREAM: lambda: stream.train_set.of_epoch(0, ids),
        LARGE: lambda: large.train_set.of_epoch(0, ids),
        SMALL: lambda: small.train_set.of_epoch(0, ids),
        UINT8: lambda: default_collate([uint8[i] for i in ids.tolist()]),
        FLOAT: lambda: default_collate([floats[i] for i in ids.tolist()]),
        "normalising a batch of ours": lambda: stream.transform(batch, 0),
    }
    for name, fetch in fetches.items():
        times = []
        for _ in range(4):
            began = time.process_time()
            fetch()
            times.append(time.process_time() - began)
        yield [name, f"{1000 * min(times) / len(ids):.3f}"]


def memory_of_an_epoch(data: ImageFolder) -> list[int]:
    """Memory that is no other process's as well, of this process and its workers after each batch, in KiB."""
    used = []
    for _ in data.train_dataloader():
        processes = (os.getpid(), *(worker.pid for worker in active_children()))
        lines = [line for pid in processes for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()]
        used.append(sum(int(line.split()[1]) for line in lines if line.startswith("Private_")))
    return used


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--archive", type=Path, required=True, help="CIFAR100.zip: {train,test}/<class>/*.png")
    parser.add_argument("--folder", type=Path, default=Path("/tmp/stream"), help="where the pictures go and stay")
    parser.add_argument("--pictures", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each turn")
    parser.add_argument("--rounds", type=int, default=5)
    args = parser.parse_args()
    print(f"{machine()}\n")
    root = write_pictures(args.archive, args.folder, args.pictures)
    stream = ours(root, SIZE, args.workers, crop=True)
    large = ours(copied(root, SIZE, args.workers), SIZE, args.workers, crop=True)
    small = ours(copied(root, CROP, args.workers), CROP, args.workers, crop=False)
    here = ours(copied(root, CROP, args.workers), CROP, 0, crop=False)
    loaders = {
        STREAM: batches(stream, normalised=False),
        f"{STREAM}, normalised": batches(stream, normalised=True),
        LARGE: batches(large, normalised=False),
        SMALL: batches(small, normalised=False),
        f"{SMALL}, 0 workers": batches(here, normalised=False),
        f"{SMALL}, 0 workers, normalised": batches(here, normalised=True),
        UINT8: their_batches(theirs(root, normalised=False), args.workers),
        FLOAT: their_batches(theirs(root, normalised=True), args.workers),
    }
    speeds: dict[str, list[float]] = {name: [] for name in loaders}
    for _ in range(args.rounds):
        for name, steps in loaders.items():
            speeds[name].append(take_turn(steps, args.seconds, warm_up=4 * max(1, args.workers)))
    rows = [(n, *spread(v), ratio(v, speeds[UINT8]), ratio(v, speeds[FLOAT])) for n, v in speeds.items()]
    print_table(("pictures", "a second", "rounds", f"/ {UINT8}", f"/ {FLOAT}"), rows)
    used = memory_of_an_epoch(ours(root, SIZE, args.workers, crop=True))
    tenth = max(1, len(used) // 10)
    start, end = (max(part) / 2**10 for part in (used[tenth : 2 * tenth], used[-tenth:]))
    print(f"\nmemory of an epoch of {len(used)} batches: {start:,.0f} MiB at a tenth, {end:,.0f} MiB at its end\n")
    print_table(("pictures", "ms of a core"), processor_times(stream, large, small, root))


if __name__ == "__main__":
    main()
