"""How long a trial of a sweep takes to start: in an interpreter of its own, and as a fork of the warm process.

    python -m tests.benchmarks.trials [--rounds R] [OPTIONS OF FIT]

Seconds from the moment a trial is asked for until its training begins (config.yaml is written) and until it has ended,
of a run of seconds on embedded data, or of what the options say. The first fork, which pays for imports and rehearsal,
is stated apart.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from entreg.sweep.forks import Forks
from entreg.sweep.places import Place
from entreg.sweep.starters import Interpreters, Starter
from tests.benchmarks.timing import machine, print_table

OPTIONS = [
    *("--model.loss", "mix_ent", "--model.net", "LeNet", "--data", "Strokes", "--data.train_size", "400"),
    *(
        "--data.test_size",
        "130",
        "--data.batch_size",
        "54",
        "--trainer.max_epochs",
        "1",
        "--trainer.accelerator",
        "cpu",
    ),
    *("--trainer.logger", "false", "--figures", "false"),
]
LATEST = 0.01  # seconds between two looks


def start(starter: Starter, folder: Path, name: str, options: list[str]) -> tuple[float, float]:
    """Train one trial; seconds until training began, and until the process had ended."""
    place = ["--name", name, "--id", "x", "--runs", str(folder), "--trainer.enable_progress_bar", "false"]
    words = ["fit", *options, *place]
    log, config = folder / f"{name}.log", folder / f"{name}-x" / "config.yaml"
    began, asked = None, time.monotonic()
    process = starter.start(words, Place(), log)
    while process.poll() is None:
        starter.wait(LATEST)
        if began is None and config.exists():
            began = time.monotonic() - asked
    if process.poll() or began is None:
        raise SystemExit(log.read_text())
    return began, time.monotonic() - asked


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    args, options = parser.parse_known_args()
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        os.environ.setdefault("ENTREG_DATA", str(folder / "data"))
        with Interpreters() as cold, Forks("entreg", "entreg.cli.rehearsal", folder / "warm.log") as warm:
            first = start(warm, folder, "first", options or OPTIONS)
            found: dict[str, list[tuple[float, float]]] = {"an interpreter of its own": [], "a fork": []}
            for number in range(args.rounds):  # in turns, as the machine has slow spells
                for (kind, times), starter in zip(found.items(), (cold, warm), strict=True):
                    times.append(start(starter, folder, f"{kind[2:6].strip()}{number}", options or OPTIONS))
    rows = [("the first fork", *(f"{seconds:.2f}" for seconds in first), "")]
    for kind, times in found.items():
        begun, ended = (sorted(column) for column in zip(*times, strict=True))
        middle = len(times) // 2
        rows.append((kind, f"{begun[middle]:.2f}", f"{ended[middle]:.2f}", f"{begun[0]:.2f} to {begun[-1]:.2f}"))
    print_table(("trial as", "training begins after, s", "ends after, s", "rounds"), rows)


if __name__ == "__main__":
    main()
