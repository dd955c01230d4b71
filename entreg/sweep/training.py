"""One trial that is being trained: its process, and what its run has logged so far."""

from __future__ import annotations

import csv
import signal
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import optuna

from entreg.errors import RunError
from entreg.runs import Run
from entreg.sweep.starters import Process


@dataclass
class Training:
    """A trial at work.

    Args:
        trial: as it was taken from the board.
        run: of the trial.
        process: that trains it.
        log: output of this process and of those of the trial before it.
        metric: that is made best.
        held: what is let go of when the process has ended: the trial's lease.
        reported: number of validations that the study knows already.
        logged: bytes of the log that are of processes before this one.

    Attributes:
        values: of the metric at each validation so far.
        pruned: whether it was told to stop, as it does badly.
        lost: whether it was told to stop, as another worker goes on with it.
        since: when it was started.
    """

    trial: optuna.Trial
    run: Run
    process: Process
    log: Path
    metric: str
    held: ExitStack
    reported: int
    logged: int = 0
    values: list[float] = field(default_factory=list)
    pruned: bool = False
    lost: bool = False
    since: float = field(default_factory=time.monotonic)

    def report(self) -> None:
        """Tell the study of new validations, and stop a trial that does badly."""
        self.values, training = validations(self.run.metrics, self.metric)
        new = range(self.reported, len(self.values))
        for step in new:
            self.trial.report(self.values[step], step)
        if new and training and not self.pruned and self.trial.should_prune():
            self.pruned = True
            self.process.send_signal(signal.SIGTERM)
        self.reported = max(self.reported, len(self.values))

    def last_line(self) -> str:
        """Why the process ended, as far as its log says."""
        with self.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self.logged)
            lines = [line for line in log.read().splitlines() if line.strip()]
        said = [line for line in lines if line.startswith("entreg: ")]
        return (said or lines or ["it said nothing"])[-1].removeprefix("entreg: ")


def validations(path: Path, metric: str) -> tuple[list[float], bool]:
    """Return a metric's values at the validations of a training so far, and whether it still goes on.

    Once it is over, the best checkpoint is validated, which is logged at a later step than all of training.

    Raises:
        RunError: if one of them is no number.
    """
    if not path.is_file():
        return [], True
    try:
        with path.open(newline="", encoding="utf-8", errors="replace") as file:
            rows = [row for row in csv.reader(file) if len(row) == 4]  # the last may be half written
        trained = max((int(step) for step, name, *_ in rows if name.startswith(("train/", "loss/"))), default=None)
        found = [(int(step), float(value)) for step, name, value, _ in rows if name == metric]
        during = [value for step, value in found if trained is None or step <= trained]
        return during, len(during) == len(found)
    except (ValueError, csv.Error) as error:
        raise RunError(f"{path}: is damaged ({error}); put a copy back, or delete the folder of this trial") from error
