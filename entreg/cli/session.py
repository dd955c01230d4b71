"""A fit, validate or test from start to end: which run it is, training, evaluation, and what is written of it."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, NamedTuple

from jsonargparse import Namespace
from lightning.pytorch import Callback, Trainer
from lightning.pytorch.utilities import rank_zero_only

from entreg.callbacks import (
    Announce,
    GoOn,
    LossProgress,
    Reseed,
    SavePredictions,
    StepGraph,
    StopOnNonFinite,
    StopOnSignal,
    Stopped,
    Throughput,
    Together,
    checkpoints,
    drop_checkpoints,
    progress_bar,
)
from entreg.classifier import Classifier
from entreg.cli.failures import translated, what_follows
from entreg.cli.machine import refresh_rate
from entreg.cli.naming import title_of
from entreg.cli.resolve import as_list, check_same, fill_in, find_run, fit_to_machine
from entreg.cli.resume import best_of_training, is_over, still_true, to_evaluate, to_train_from
from entreg.cli.summary import logged_scores, print_results, training_summary
from entreg.cli.unfit import check_trainer
from entreg.cluster import shared_with_children
from entreg.data import ClassificationDataModule
from entreg.errors import Cancelled, Interrupted
from entreg.loggers import CSVLog, describe_run, finish_wandb
from entreg.loggers.wandb_report import report_to_wandb
from entreg.models.pretrained import checkpoint_follows
from entreg.runs import Lease, Run, create_folder, read_summary, remove_unless_started, write_summary
from entreg.runs.figures import draw_figures
from entreg.runs.history import history_of
from entreg.runs.scoring import SCORES, evaluate_predictions


class Parts(NamedTuple):
    """What the parser has made of a config."""

    trainer: Trainer
    model: Classifier
    data: ClassificationDataModule


class Session:
    """One command at work on one run. Making it finds the run and fills in what the config leaves open.

    Args:
        command: ``fit``, ``validate`` or ``test``.
        config: parsed config of the command, completed in place.
        read: parses the config of a run that has begun.
        started: when the process began, in seconds since the epoch.

    Attributes:
        run: its folder.
        resolved: what config.yaml keeps: all but what is told to this process alone.
        changed: by dotted key, in what it is another than the one that the run has, from what to what.
        writes: whether anything is written; a checkpoint from elsewhere is looked at, and a trial run tried, without.
        summary: content of summary.json.
        notes: lines to print once training starts.
    """

    def __init__(self, command: str, config: Namespace, read: Callable[[Run], Namespace], started: float) -> None:
        self.command = command
        self.config = config
        self.started = started
        self.writes = not config.trainer.fast_dev_run and config.ckpt_path is None
        self.run = find_run(config)
        config.name = config.name or self.run.name
        self._config_then = self._config_now()
        stored = read(self.run) if self.writes and self.run.started else None
        fill_in(config, stored)
        self.resolved = config.clone()
        self.resolved.update(Namespace(run=None, id=None, ckpt_path=None))
        self.changed = check_same(self.run, stored, self.resolved, command, by_id=config.run is None)
        fit_to_machine(config)
        self.lease = Lease(self.run.lease)
        self.log = CSVLog(self.run, self.lease.check)
        self.summary = self._summary_now()
        self.throughput = Throughput()
        self.best, self.last = checkpoints(self.run, config.checkpoint, self.lease.check)
        self.stop = StopOnSignal(self.last)
        self.notes: list[str] = []
        if command == "fit":
            check_trainer(config)
            for logger in as_list(config.trainer.logger) if self.writes else ():
                self.notes += describe_run(logger, config, self.run, title_of(config))

    def callbacks(self, config: Namespace) -> list[Callback]:
        """Return what every training and evaluation has besides the user's own callbacks."""
        finite = StopOnNonFinite(self.run if self.writes else None)
        each_step = Together(StepGraph(finite), Reseed(config.seed_everything), LossProgress(), finite, GoOn())
        found: list[Callback] = [each_step, self.throughput, Announce(self.run.path if self.writes else None)]
        if config.trainer.enable_progress_bar is not False:
            found += progress_bar(refresh_rate(config.trainer.accelerator), as_list(config.trainer.callbacks))
        if self.writes and self.command == "fit":
            found += [SavePredictions(self.run), self.best, self.last, self.stop]
        elif self.writes:
            found += [SavePredictions(self.run, self.summary.get("data", {})), self.best, self.last]
        return found

    def fit(self, parts: Parts) -> None:
        """Train or resume, then evaluate the checkpoint chosen on validation.

        Raises:
            Interrupted, Cancelled: on a signal, on Ctrl-C; the run can go on.
        """
        trainer, failed = parts.trainer, True
        try:
            with self._occupied(trainer):
                if not self.writes or not is_over(self.run, self.summary, self.config.trainer.max_epochs):
                    self._complete(parts)
            failed = False
        except Stopped as stopped:
            if not trainer.is_global_zero:
                sys.exit(0)  # the first process reports the stop and exits with its code
            if not stopped.together and trainer.strategy.launcher is not None:
                trainer.strategy.launcher.kill(signal.SIGTERM)
            finish_wandb(exit_code=1)  # before SLURM ends the processes of a job that it takes back
            error = Cancelled if stopped.signum == signal.SIGINT else Interrupted
            raise error(f"{stopped}; {what_follows(stopped, self.run)}") from stopped
        finally:
            finish_wandb(exit_code=int(failed))

    def evaluate(self, split: str, parts: Parts, ckpt_path: str | None) -> None:
        """Evaluate the checkpoint chosen on validation, or another one without writing anything."""
        with self.lease if self.writes and parts.trainer.is_global_zero else nullcontext():
            if self.writes:  # until the lease was taken, another process may have written it
                self.summary = self._summary_now()
            else:
                self._adopt(parts.data, ckpt_path)
            self._evaluate((split,), parts, to_evaluate(self.run, self.summary, split, ckpt_path))
            self._finish(parts.trainer)

    def _adopt(self, data: ClassificationDataModule, ckpt_path: str | None) -> None:
        """Tell the data what the network was trained on, by the run that the checkpoint lies in, else the named one."""
        of_file = Run(Path(os.path.realpath(ckpt_path)).parent.parent) if ckpt_path is not None else self.run
        run = of_file if of_file.started else self.run
        told = read_summary(run) if run.started else {}
        if {"data", "classes"} <= told.keys():
            data.adopt(told["data"], told["classes"])
        self.summary = {key: value for key, value in self.summary.items() if key not in SCORES}

    @contextmanager
    def _occupied(self, trainer: Trainer) -> Iterator[None]:
        """Have the run folder to ourselves, and leave none where training did not start."""
        if not self.writes:
            yield
        elif not trainer.is_global_zero:
            with self.stop:
                self._read_again()
                yield
        else:
            create_folder(self.run)
            with self.lease, self.stop:
                try:
                    self._read_again()
                    self.run.discard_leftovers()
                    yield
                finally:
                    remove_unless_started(self.run)

    def _read_again(self) -> None:
        """Read what a process has written that worked on the run until we got its lease.

        Raises:
            Interrupted: if the config has become one that nobody has compared with ours.
        """
        if self._config_now() != self._config_then:
            raise Interrupted(f"{self.run.path}: another process has begun or changed this run meanwhile; start again")
        self.summary = self._summary_now()

    def _summary_now(self) -> dict[str, Any]:
        return read_summary(self.run) if self.run.started else {}

    def _config_now(self) -> bytes | None:
        return self.run.config.read_bytes() if self.run.started else None

    def _complete(self, parts: Parts) -> None:
        """Train what is left to train, then evaluate, report, and drop the checkpoints that are not to stay."""
        trainer, model, data = parts
        wall_seconds = self.summary.get("wall_seconds", 0.0)
        checkpoint = to_train_from(self.run, self.summary) if self.run.started else None
        best: Path | None = None
        with (
            shared_with_children(self.run.id),
            translated(trainer, self.run, self.stop),
            checkpoint_follows(checkpoint is not None),
        ):
            trainer.fit(model, datamodule=data, ckpt_path=checkpoint, weights_only=True)
        if self.writes:
            self.stop.check(trainer)
            best = best_of_training(self.run) if self.config.evaluate else None  # before anything is taken back
            self.summary = still_true(self.run, self.summary, trainer)
        found = training_summary(self.config, self.resolved, *parts, self.throughput, history_of(self.summary))
        lost = {"metrics_lost": dict(self.log.gaps)} if self.log.gaps else {}
        self._summarise(trainer, {**found, **lost, "wall_seconds": wall_seconds})
        if best is not None:
            self._evaluate(("val", "test"), parts, best)
        self._finish(trainer)
        if best is not None:
            with translated(trainer, self.run, self.stop):
                report_to_wandb(trainer, self.run, self.summary)
        if self.writes and trainer.is_global_zero:
            drop_checkpoints(self.run, self.config.checkpoint.keep)

    def _evaluate(self, splits: Sequence[str], parts: Parts, checkpoint: Path) -> None:
        """Evaluate a checkpoint on ``splits``; write predictions, what follows from them, and figures."""
        trainer, model, data = parts
        for split in splits:
            with translated(trainer, self.run, self.stop), checkpoint_follows():
                step = trainer.validate if split == "val" else trainer.test
                step(model, datamodule=data, ckpt_path=checkpoint, verbose=False, weights_only=True)
            if not self.writes:
                self.summary |= logged_scores(split, trainer)
        if self.writes and trainer.is_global_zero:
            bins = self.config.metrics.bins
            self.run.forget_predictions(keep=("val", *data.test_names))
            scores = evaluate_predictions(self.run, data.ood_sets, bins)
            for key in SCORES:  # of sets that are no longer evaluated
                self.summary.pop(key, None)
            self._summarise(trainer, {"ood_sets": data.ood_sets, **scores})
            if self.config.figures:
                draw_figures(self.run, data.classes, scores.get("temperature"), bins)

    def _summarise(self, trainer: Trainer, content: dict[str, Any]) -> None:
        self.summary |= content
        if self.writes and trainer.is_global_zero:
            self.lease.check()
            write_summary(self.run, self.summary)

    @rank_zero_only
    def _finish(self, trainer: Trainer) -> None:
        """Print the final table."""
        if self.config.trainer.fast_dev_run:
            return
        if self.command == "fit":
            seconds = self.summary["wall_seconds"] + time.time() - self.started
            self._summarise(trainer, {"wall_seconds": round(seconds, 1), "finished": True})
        print_results(self.summary, self.run if self.writes else None)
