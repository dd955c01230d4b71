"""A worker: takes trials from the board and trains each in a process of its own, until none is left."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import optuna
from optuna.exceptions import StorageInternalError
from optuna.trial import TrialState

from entreg.cluster import requeue
from entreg.errors import ConfigError, Interrupted, RunError
from entreg.runs import Run, read_summary
from entreg.sweep.board import Board
from entreg.sweep.space import arguments

DEATHS = 10  # of a trial's process before it counts as failed
FAILURES = 3  # trials in a row before a worker gives up: the reason is likely to lie outside them
_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
POLL = 1.0  # seconds between two looks at a running trial, and at the board while others work


class Worker:
    """One worker of a sweep.

    Args:
        board: of the sweep.
        extra: options of ``entreg fit`` of this worker alone, such as the place of the data or the devices.
        say: what to do with a line on what happens.
    """

    def __init__(self, board: Board, extra: Sequence[str], say: Callable[[str], None]) -> None:
        self.board = board
        self.extra = list(extra)
        self.say = say
        self._signal: int | None = None
        self._failures = 0

    def work(self) -> None:
        """Train until all trials of the sweep have ended, those of other workers included.

        Raises:
            ConfigError: if no trial has been completed yet and one cannot be configured.
            RunError: if several trials in a row fail, or the study cannot be written.
            Interrupted: on SIGTERM, SIGUSR1 or Ctrl-C, when the trial at hand has been saved.
        """
        handlers = {signum: signal.signal(signum, self._receive) for signum in _SIGNALS}
        try:
            while not self.board.is_done:
                self._stop_if_told()
                with self.board.take() as trial:
                    if trial is not None:
                        self._train(trial, self.board.run(trial))
                if trial is None:
                    time.sleep(POLL)
        except (OSError, StorageInternalError) as error:
            raise RunError(f"{self.board.folder}: the study cannot be written ({error}); then start again") from error
        finally:
            for signum, handler in handlers.items():
                signal.signal(signum, handler)

    def _train(self, trial: optuna.Trial, run: Run) -> None:
        if read_summary(run).get("finished"):  # its worker died before it could report the value
            self._tell(trial, run)
            return
        attempt, deaths = trial.user_attrs["attempts"], trial.user_attrs.get("deaths", 0)
        if deaths >= DEATHS:
            self._fail(trial, f"its process died {deaths} times")
            return
        values = ", ".join(f"{key} {value}" for key, value in trial.params.items())
        again = f", attempt {attempt}" if attempt > 1 else ""
        self.say(f"trial {trial.number} of {self.board.total}{again}: {values}")
        log = self.board.folder / "logs" / f"{trial.number}.log"
        log.parent.mkdir(exist_ok=True)
        with log.open("a") as output:
            process = subprocess.Popen(
                self._command(trial, run),
                env=_environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            pruned = self._watch(process, trial, run)
        self._stop_if_told()
        if pruned:
            self.board.study.tell(trial, state=TrialState.PRUNED)
            self.say(f"trial {trial.number} pruned")
        elif process.returncode == 0:
            self._tell(trial, run)
        elif process.returncode == 2 and not any(t.state == TrialState.COMPLETE for t in self.board.trials):
            # It stays unfinished, to be taken up once the config is mended.
            raise ConfigError(f"trial {trial.number}: {_last_line(log)}")
        elif process.returncode in (1, 2):
            self._fail(trial, _last_line(log))
        elif process.returncode != Interrupted.exit_code:  # killed, as by the system when memory is short
            trial.set_user_attr("deaths", deaths + 1)
        # A trial whose end is not reported is taken up again, by this worker or another.

    def _watch(self, process: subprocess.Popen[bytes], trial: optuna.Trial, run: Run) -> bool:
        """Report validations to the study until the process ends; whether the trial was pruned."""
        reported = len(self.board.trials[trial.number].intermediate_values)
        pruned = False
        while True:
            try:
                process.wait(POLL)
                return pruned
            except subprocess.TimeoutExpired:
                pass
            if self._signal is not None:
                process.send_signal(signal.SIGTERM if self._signal == signal.SIGINT else self._signal)
                process.wait()
                return False
            values = validations(run.metrics, self.board.sweep.metric)
            for step in range(reported, len(values)):
                trial.report(values[step], step)
            if len(values) > reported and not pruned and trial.should_prune():
                pruned = True
                process.send_signal(signal.SIGTERM)
            reported = max(reported, len(values))

    def _command(self, trial: optuna.Trial, run: Run) -> list[str]:
        name, _, run_id = run.path.name.rpartition("-")
        place = ["--name", name, "--id", run_id, "--runs", str(run.path.parent)]
        quiet = ["--trainer.enable_progress_bar", "false"]
        given = arguments(self.board.sweep, trial.params)
        return [sys.executable, "-m", "entreg", "fit", *given, *place, *quiet, *self.extra]

    def _tell(self, trial: optuna.Trial, run: Run) -> None:
        scores = read_summary(run).get("val", {})
        key = self.board.sweep.metric.removeprefix("val/")
        if key not in scores:
            known = ", ".join(f"val/{name}" for name in scores)
            raise ConfigError(f"metric {self.board.sweep.metric}: expected one of {known}")
        self._failures = 0
        self.board.study.tell(trial, scores[key], skip_if_finished=True)
        self.say(f"trial {trial.number}: {self.board.sweep.metric} {scores[key]:.5g}  {run.path}")

    def _fail(self, trial: optuna.Trial, reason: str) -> None:
        trial.set_user_attr("error", reason)
        self.board.study.tell(trial, state=TrialState.FAIL, skip_if_finished=True)
        self.say(f"trial {trial.number} failed: {reason}")
        self._failures += 1
        if self._failures == FAILURES:
            raise RunError(f"{FAILURES} trials in a row failed, the last: {reason}; mend it, then add --retry true")

    def _receive(self, signum: int, frame: object) -> None:
        self._signal = signum

    def _stop_if_told(self) -> None:
        if self._signal is not None:
            again = self._signal == signal.SIGUSR1 and requeue()
            who = f"SLURM starts job {os.environ['SLURM_JOB_ID']} again, which" if again else "the same command"
            raise Interrupted(f"stopped by {signal.Signals(self._signal).name}; {who} goes on with the sweep")


def _environment() -> dict[str, str]:
    """Environment of a trial: not that of a task of SLURM, whose ranks are the workers'."""
    return {key: value for key, value in os.environ.items() if not key.startswith("SLURM_") or key == "SLURM_CONF"}


def validations(path: Path, metric: str) -> list[float]:
    """Values of a metric in ``metrics.csv`` so far."""
    if not path.is_file():
        return []
    with path.open(newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == 4]  # the last may be half written
    return [float(value) for _, name, value, _ in rows if name == metric]


def _last_line(log: Path) -> str:
    lines = [line for line in log.read_text(errors="replace").splitlines() if line.strip()]
    said = [line for line in lines if line.startswith("entreg: ")]
    return (said or lines or ["it said nothing"])[-1].removeprefix("entreg: ")
