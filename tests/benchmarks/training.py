"""Images per second of whole training, and error at equal wall time.

    python -m tests.benchmarks.training [--root DIR] [--rounds R] [--seconds S]
    python -m tests.benchmarks.training [--root DIR] --equal-time SECONDS

Speed: ``entreg fit --config configs/cross_entropy.yaml`` (metrics, metrics.csv and checkpoints on, W&B and progress bar
off), the same settings in a bare PyTorch loop, and a script that follows SpinalNet's recipe for VGG-5, all on the same
training images. They take turns of S seconds in one process, Lightning being interrupted for the others' turns; medians
over the rounds, of the ratios too. FLOPs of a training image are three times those of the forward pass, counted from
the layers' shapes, and are compared with what a product of large square matrices reaches here; a processor without
bfloat16 instructions exceeds its bfloat16 peak in float32 many times over.

Equal time: the script and entreg train for SECONDS each, data already loaded, then their errors on the test set are
counted in the same way. entreg's one-cycle schedule is fitted to the steps that its speed, measured before, allows.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from entreg.cli.machine import best_precision
from entreg.data import EMNIST, Batch
from entreg.models import VGG5
from tests.benchmarks.hosted import fit
from tests.benchmarks.recipes import SPINALNET_MEAN, SPINALNET_STD, bare_loop, spinalnet
from tests.benchmarks.timing import Meter, letters, machine, print_table, ratio, spread, take_turn

OURS, BARE, SCRIPT = "entreg fit", "bare loop, our settings", "script, SpinalNet's recipe"
WARM_UP = 2  # steps of a turn that are not timed: the caches still hold the turn before
MARGIN = 0.98  # of the steps that the speed allows: it varies


class Rounds:
    """Turns of Lightning's training, which is told to go on, and of the others, run while it waits."""

    def __init__(self, others: Mapping[str, Iterator[int]], rounds: int, seconds: float) -> None:
        self.others = others
        self.rounds = rounds
        self.seconds = seconds
        self.speeds: dict[str, list[float]] = {name: [] for name in (OURS, *others)}

    def start(self) -> None:
        self.meter = Meter(self.seconds, WARM_UP)

    def step(self, images: int) -> bool:
        if self.meter.step(images):
            return True
        self.speeds[OURS].append(self.meter.speed)
        for name, steps in self.others.items():
            self.speeds[name].append(take_turn(steps, self.seconds, WARM_UP))
        self.start()
        return len(self.speeds[OURS]) < self.rounds


def training_flops() -> int:
    """Floating-point operations of VGG-5 on a training image, multiplication and addition counted apart."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        VGG5().eval()(torch.zeros(1, 1, 28, 28))
    return 3 * counter.get_total_flops()


def matrix_peak(dtype: torch.dtype, device: str) -> float:
    """FLOP/s of the best of some products of square matrices, as large as a quarter of a second allows."""
    best, size = 0.0, 256
    while True:
        left, right = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
        meter = Meter(1.0, warm_up=1)
        while meter.step(1):
            torch.mm(left, right)
        best = max(best, 2 * size**3 * meter.speed)
        if 4 / meter.speed > 1 or size >= 8192:  # without instructions of its own, bfloat16 is slow beyond measure
            return best
        size *= 2


def compare_speed(root: Path, data: EMNIST, args: argparse.Namespace) -> None:
    others = {
        BARE: bare_loop(data, args.device, steps=10 * len(data.train_dataloader())),
        SCRIPT: spinalnet(VGG5(), root, data.train_ids, args.device),
    }
    rounds = Rounds(others, args.rounds, args.seconds)
    fit(root, rounds, args.device, ["--trainer.max_epochs", "1000"])
    flops = training_flops()
    peaks = {name: matrix_peak(getattr(torch, name), args.device) for name in ("float32", "bfloat16")}
    print(f"entreg resolves precision to {best_precision(args.device)}; {flops / 1e6:,.0f} MFLOP a training image")
    print("; ".join(f"{name} matrix peak {peak / 1e9:,.1f} GFLOP/s" for name, peak in peaks.items()) + "\n")
    rows = []
    for name, speeds in rounds.speeds.items():
        reached = statistics.median(speeds) * flops
        ratios = ratio(speeds, rounds.speeds[SCRIPT]), ratio(rounds.speeds[OURS], speeds)
        shares = (f"{reached / peak:.0%}" for peak in peaks.values())
        rows.append((name, *spread(speeds), *ratios, f"{reached / 1e9:,.0f}", *shares))
    of_peaks = [f"of {name} peak" for name in peaks]
    print_table(("training", "images/s", "rounds", "/ script", f"{OURS} / this", "GFLOP/s", *of_peaks), rows)


@torch.no_grad()
def test_errors(net: nn.Module, data: EMNIST, image_of: Callable[[Batch], Tensor], device: str) -> int:
    net.to(device).eval()
    wrong = 0
    for batch in data.predict_dataloader():  # the test images alone, not those of other sets
        batch = type(batch)(*(part.to(device) for part in batch))
        wrong += int((net(image_of(batch)).argmax(1) != batch.target).sum())
    return wrong


def compare_errors(root: Path, data: EMNIST, args: argparse.Namespace) -> None:
    seconds, seed = args.equal_time, ["--seed_everything", str(args.seed)]
    probe = Meter(min(30.0, max(3.0, seconds / 20)), warm_up=WARM_UP)
    fit(root, probe, args.device, seed)
    steps = max(1, int(MARGIN * seconds * probe.speed / data.batch_size))
    print(
        f"entreg: {probe.speed:,.1f} images/s in {probe.seconds:.1f} s, so {steps} steps in {seconds:g} s", flush=True
    )

    torch.manual_seed(args.seed)
    by_script = VGG5()
    script = Meter(seconds)
    training = spinalnet(by_script, root, data.train_ids, args.device)
    script.start()
    while script.step(next(training)):
        pass

    ours = Meter(seconds)
    options = [*seed, "--trainer.max_epochs", "-1", "--trainer.max_steps", str(steps)]
    by_us = fit(root, ours, args.device, options)
    done = ours.images // data.batch_size
    print(f"entreg: {done} steps done{'' if done == steps else ', stopped at the limit before its schedule ended'}\n")

    def as_in_script(batch: Batch) -> Tensor:
        return (batch.input.float() / 255 - SPINALNET_MEAN) / SPINALNET_STD

    def as_ours(batch: Batch) -> Tensor:
        return data.transform(batch, None).input

    n = len(data.test_set)
    errors = {
        OURS: test_errors(by_us, data, as_ours, args.device),
        SCRIPT: test_errors(by_script, data, as_in_script, args.device),
    }
    rows = []
    for name, meter in ((OURS, ours), (SCRIPT, script)):
        assert meter.seconds <= seconds, f"{name} trained for {meter.seconds:.1f} s"
        ratio = errors[name] / max(errors[SCRIPT], 1)
        counts = (f"{errors[name]} of {n}", f"{errors[name] / n:.2%}", f"{ratio:.3f}")
        rows.append((name, *counts, f"{meter.images:,}", f"{meter.seconds:.1f}", f"{meter.speed:,.1f}"))
    print_table(("training", "test errors", "error", "/ script", "images seen", "seconds", "images/s"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, help="folder of EMNIST/raw; default: ENTREG_DATA, else ../shared/data")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=20.0, help="of each turn")
    parser.add_argument("--equal-time", type=float, metavar="SECONDS", help="compare errors after this much training")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{machine()}\n")
    with letters(args.root) as root:
        data = EMNIST(root=str(root))
        data.setup()
        (compare_errors if args.equal_time else compare_speed)(root, data, args)


if __name__ == "__main__":
    main()
