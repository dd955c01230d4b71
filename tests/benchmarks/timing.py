"""What the benchmarks share: the machine in words, a meter of images per second, turns, tables, and the letters."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import truediv
from pathlib import Path

import torch

from tests.data.images.sets.idx_files import write_letters

REPOSITORY = Path(__file__).parents[2]


def machine() -> str:
    """Processor, threads and versions: without them no figure means anything."""
    name = platform.processor() or platform.machine()
    if (cpuinfo := Path("/proc/cpuinfo")).is_file():
        models = [line.split(":", 1)[1].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        name = models[0] if models else name
    if torch.cuda.is_available():
        name += f", {torch.cuda.get_device_name()}"
    capability = torch.backends.cpu.get_cpu_capability()
    return f"{name} ({capability}), {torch.get_num_threads()} threads, torch {torch.__version__}"


class Meter:
    """Images and seconds of a stretch of steps, which ends before a step that would not fit into it.

    Args:
        limit: seconds.
        warm_up: steps at the start that are not counted.
    """

    def __init__(self, limit: float, warm_up: int = 0) -> None:
        self.limit = limit
        self.warm_up = warm_up
        self.start()

    def start(self) -> None:
        """Begin to count."""
        self.images, self.seconds = 0, 0.0
        self._began = self._last = _now()

    def step(self, images: int) -> bool:
        """Count the images of a step that is done; return whether another one fits."""
        if self.warm_up:
            self.warm_up -= 1
            self.start()
            return True
        self.images += images
        now = time.perf_counter()
        took, self._last = now - self._last, now
        self.seconds = now - self._began
        if self.seconds + took <= self.limit:
            return True
        self.seconds = _now() - self._began
        return False

    @property
    def speed(self) -> float:
        """Images per second."""
        return self.images / self.seconds


def take_turn(steps: Iterator[int], seconds: float, warm_up: int) -> float:
    """Images per second of ``steps``, which yields the number of images of each step once it is done."""
    meter = Meter(seconds, warm_up)
    while meter.step(next(steps)):
        pass
    return meter.speed


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    for row in (header, ["---"] * len(header), *rows):
        print(f"| {' | '.join(row)} |", flush=True)


def spread(speeds: Sequence[float]) -> tuple[str, str]:
    """Cells of the median and of the slowest and the fastest round."""
    return f"{statistics.median(speeds):,.0f}", f"{min(speeds):,.0f} to {max(speeds):,.0f}"


def ratio(speeds: Sequence[float], others: Sequence[float]) -> str:
    """Cell of the median quotient of the same round's speeds, in which a slow spell of the machine cancels."""
    return f"{statistics.median(map(truediv, speeds, others)):.3f}"


@contextmanager
def letters(root: Path | None) -> Iterator[Path]:
    """Root of EMNIST-Letters: the one given, ENTREG_DATA, ../shared/data; else random ones, which are as fast."""
    places = [root] if root else [Path(os.environ.get("ENTREG_DATA") or REPOSITORY.parent / "shared" / "data")]
    for place in places:
        if (place / "EMNIST" / "raw" / "emnist-letters-train-images-idx3-ubyte").is_file():
            yield place.resolve()
            return
    if root:
        raise SystemExit(f"no EMNIST letters under {root}: name the folder that holds EMNIST/raw")
    with tempfile.TemporaryDirectory() as folder:
        print("no real letters (ENTREG_DATA): random pixels instead, fit for speed but not for errors\n")
        yield write_letters(Path(folder), train=12_480, test=2_080)


def _now() -> float:
    """The clock, once the device has done what it was given."""
    if torch.cuda.is_initialized():
        torch.cuda.synchronize()
    return time.perf_counter()
