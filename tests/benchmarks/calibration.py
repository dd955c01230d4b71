"""Time and memory of the calibration error against torchmetrics': python -m tests.benchmarks.calibration

Batches stream through a metric, then it computes; first from logits, where both spend most of their time in the softmax
and the maximum, then from confidences, which is the binning alone. Every metric runs in a fresh process. The table
shows the processor's seconds of update and compute, without making the inputs, the ratio to torchmetrics, and by how
much the resident set peaks above what it was after a first batch. The error of the value is that against the sums of
exact float64 over the same samples.
"""

from __future__ import annotations

import argparse
import multiprocessing
import platform
import time
from collections.abc import Callable
from typing import Any

import torch
import torchmetrics
from torch import Tensor
from torchmetrics import Metric
from torchmetrics.classification import BinaryCalibrationError, MulticlassCalibrationError

from entreg.metrics import CalibrationError, ClasswiseCalibrationError, bin_confidences, calibration_error, top_label

BINS = 15
Batch = tuple[Tensor, Tensor]


class ConfidenceCalibrationError(CalibrationError):
    """Our error where the confidences are given."""

    def update(self, confidence: Tensor, correct: Tensor) -> None:
        self.state += bin_confidences(confidence, correct, self.bins)


# name: from logits?, the metric
METRICS: dict[str, tuple[bool, Callable[[int], Metric]]] = {
    "torchmetrics": (True, lambda classes: MulticlassCalibrationError(classes, BINS)),
    "torchmetrics, unchecked": (True, lambda classes: MulticlassCalibrationError(classes, BINS, validate_args=False)),
    "CalibrationError": (True, lambda classes: CalibrationError(BINS)),
    "ClasswiseCalibrationError": (True, lambda classes: ClasswiseCalibrationError(classes, BINS)),
    "binning: torchmetrics": (False, lambda classes: BinaryCalibrationError(BINS)),
    "binning: torchmetrics, unchecked": (False, lambda classes: BinaryCalibrationError(BINS, validate_args=False)),
    "binning: ours": (False, lambda classes: ConfidenceCalibrationError(BINS)),
}


def batches(batch: int, classes: int) -> list[Batch]:
    """A few batches that are gone through again and again, so that only the metric's memory can grow."""
    generator = torch.Generator().manual_seed(0)
    made = []
    for _ in range(8):
        logits = torch.randn(batch, classes, generator=generator).mul_(2)
        right = torch.rand(batch, generator=generator) < 0.6
        made.append(
            (logits, torch.where(right, logits.argmax(1), torch.randint(classes, (batch,), generator=generator)))
        )
    return made


def measure(name: str, samples: int, batch: int, classes: int) -> tuple[float, float, float]:
    """Seconds, extra MiB and error of the value; to be called in a fresh process."""
    torch.set_num_threads(1)
    from_logits, make = METRICS[name]
    data = batches(batch, classes)
    tops = [top_label(*pair) for pair in data]
    inputs: list[Any] = data if from_logits else [(confidence, correct.long()) for confidence, correct in tops]
    steps = samples // batch
    state = sum(bin_confidences(*tops[step % 8], BINS) for step in range(steps))
    make(classes).update(*inputs[0])
    metric = make(classes)
    held = _memory("VmRSS")
    start = time.process_time()
    for step in range(steps):
        metric.update(*inputs[step % 8])
    value = metric.compute().item()
    taken = time.process_time() - start
    return taken, (_memory("VmHWM") - held) / 1024, abs(value - calibration_error(state).item())


def _memory(field: str) -> float:
    """KiB of this process's resident set: VmRSS now, VmHWM at its peak."""
    with open("/proc/self/status") as file:
        return float(next(line.split()[1] for line in file if line.startswith(field)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, nargs="+", default=[10**6, 10**7])
    parser.add_argument("--batch", type=int, default=10_000)
    parser.add_argument("--classes", type=int, default=26)
    args = parser.parse_args()
    print(f"{platform.processor() or platform.machine()}, 1 thread, torch {torch.__version__}, ", end="")
    print(f"torchmetrics {torchmetrics.__version__}; batches of {args.batch}, {args.classes} classes\n")
    print("| samples | metric | s | torchmetrics / it | extra MiB | error |")
    print("|---|---|---|---|---|---|")
    context = multiprocessing.get_context("spawn")
    for samples in args.samples:
        reference = 0.0
        for name in METRICS:
            with context.Pool(1) as pool:
                seconds, extra, error = pool.apply(measure, (name, samples, args.batch, args.classes))
            if name.endswith("torchmetrics"):
                reference = seconds
            note = "-" if "Classwise" in name else f"{error:.1e}"
            ratio = f"{reference / seconds:.1f}"
            print(f"| {samples:.0e} | {name} | {seconds:.2f} | {ratio} | {extra:.1f} | {note} |", flush=True)


if __name__ == "__main__":
    main()
