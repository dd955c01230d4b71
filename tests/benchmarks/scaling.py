"""What checkpoints cost, and what two processes make of two cores.

    python -m tests.benchmarks.scaling [--rounds R] [--steps N]

Checkpoints: seconds of writing ``last.ckpt`` over the seconds of the 200 training steps that lie between two of them by
default, from one run of ``entreg fit`` with VGG-5 and MIX-ENT that writes one every ten steps.

Processes: images per second that ``entreg fit`` itself counts, as two gloo processes of one thread and as one process
of two threads, in turns; the median of the ratios of the rounds.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path

from entreg.runs import open_run, read_summary
from tests.benchmarks.timing import machine, print_table, ratio, spread

BETWEEN = 200  # steps between two checkpoints by default
OPTIONS = [
    *("--model.loss", "mix_ent", "--data", "Strokes", "--data.train_size", "8000", "--data.test_size", "520"),
    *("--trainer.max_epochs", "1", "--trainer.accelerator", "cpu", "--trainer.logger", "false"),
    *("--trainer.enable_progress_bar", "false", "--evaluate", "false", "--trainer.limit_val_batches", "1"),
    *("--name", "mix_ent"),
]
TIMED = """
    import time

    from lightning.pytorch import Callback

    from entreg.callbacks import LastCheckpoint


    class TimeCheckpoints(Callback):
        def on_fit_start(self, trainer, pl_module):
            (last,) = (callback for callback in trainer.callbacks if isinstance(callback, LastCheckpoint))
            save, self.seconds = last.save, []

            def timed(trainer):
                began = time.perf_counter()
                save(trainer)
                self.seconds.append(time.perf_counter() - began)

            last.save = timed

        def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
            if batch_idx == 2:  # the first steps are slow
                self.began, self.saved = time.perf_counter(), len(self.seconds)

        def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
            self.ended, self.steps = time.perf_counter(), batch_idx - 1

        def on_train_end(self, trainer, pl_module):
            inside = self.seconds[self.saved:]
            with open("checkpoints.txt", "w") as file:
                print(self.ended - self.began - sum(inside[:-1]), self.steps, *inside, file=file)
"""


def fit(folder: Path, name: str, threads: int, *options: str) -> float:
    """Run ``entreg fit`` in a process of its own; images per second."""
    command = [sys.executable, "-m", "entreg", "fit", *OPTIONS, "--id", name, "--runs", str(folder), *options]
    environment = {**os.environ, "OMP_NUM_THREADS": str(threads), "ENTREG_DATA": str(folder / "data")}
    subprocess.run(command, env=environment, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    return float(read_summary(open_run(folder / f"mix_ent-{name}"))["images_per_second"])


def checkpoints(folder: Path, steps: int) -> None:
    (folder / "timed.py").write_text(textwrap.dedent(TIMED))
    callback = ["--trainer.callbacks", "timed.TimeCheckpoints", "--checkpoint.every_n_steps", "10"]
    fit(folder, "checkpoints", 2, *callback, "--trainer.limit_train_batches", str(steps))
    training, counted, *saves = map(float, (folder / "checkpoints.txt").read_text().split())
    step, save = training / counted, statistics.median(saves)
    size = (folder / "mix_ent-checkpoints" / "checkpoints" / "last.ckpt").stat().st_size
    print_table(
        ("seconds a step", "seconds a checkpoint", "checkpoints", "size", f"cost, one every {BETWEEN} steps"),
        [(f"{step:.3f}", f"{save:.3f}", f"{len(saves)}", f"{size / 1e6:.1f} MB", f"{save / (BETWEEN * step):.2%}")],
    )


def processes(folder: Path, steps: int, rounds: int) -> None:
    one, two = "1 process, 2 threads", "2 gloo processes, 1 thread each"
    speeds: dict[str, list[float]] = {one: [], two: []}
    for number in range(rounds):
        for name, devices, threads in ((one, 1, 2), (two, 2, 1)):
            options = ("--trainer.devices", str(devices), "--trainer.limit_train_batches", str(steps))
            speeds[name].append(fit(folder, f"{devices}.{number}", threads, *options))
    rows = [(name, *spread(found), ratio(found, speeds[one])) for name, found in speeds.items()]
    print_table(("training", "images/s", "rounds", f"/ {one}"), rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40)
    args = parser.parse_args()
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        checkpoints(folder, args.steps)
        print()
        processes(folder, args.steps, args.rounds)


if __name__ == "__main__":
    main()
