"""The LightningCLI: YAML to data, classifier, trainer, callbacks and run folder."""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from jsonargparse import Namespace
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from entreg.callbacks import (
    AtomicCheckpointIO,
    CheckpointOptions,
    ClassificationMetrics,
    LossProgress,
    ObserveLoss,
    Reseed,
    RunFolder,
    SavePredictions,
    StopOnNonFinite,
    StopOnSignal,
    Stopped,
    Throughput,
    checkpoints,
)
from entreg.classifier import Classifier
from entreg.cli.messages import OneLineErrors, readable
from entreg.cli.resolve import check_validation, default_name, fill_in, fit_to_machine
from entreg.cli.summary import print_results
from entreg.cluster import check_id, cluster_plugins, launch_id, lost_touch, requeue, shared_with_children
from entreg.data import ImageDataModule
from entreg.errors import ConfigError, Interrupted, RunError
from entreg.loggers import CSVLog, finish_wandb, prepare_wandb, wandb_errors
from entreg.loggers.wandb_report import report_to_wandb
from entreg.losses import coefficients_of
from entreg.runs import (
    Run,
    check_checkpoint,
    create_folder,
    new_run,
    open_run,
    read_summary,
    remove_unless_started,
    write_summary,
)
from entreg.runs.figures import draw_figures
from entreg.runs.lease import Lease
from entreg.runs.provenance import config_hash, environment, first_difference
from entreg.runs.scoring import evaluate_predictions


class Parser(OneLineErrors, LightningArgumentParser):
    """LightningCLI's parser."""


class EntregCLI(LightningCLI):
    """``fit | validate | test | predict`` over a :class:`Classifier` and an :class:`ImageDataModule`.

    Args:
        args: command line without the program's name.
    """

    def __init__(self, args: Sequence[str]) -> None:
        self.started = time.time()
        super().__init__(
            Classifier,
            ImageDataModule,
            subclass_mode_data=True,
            save_config_callback=RunFolder,
            seed_everything_default=0,
            trainer_defaults={
                "enable_model_summary": False,
                "use_distributed_sampler": False,
                "num_sanity_val_steps": 0,
                "sync_batchnorm": None,
            },
            parser_class=Parser,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
            args=list(args),
        )

    @override
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        parser.add_argument("--name", type=str | None, help="Name of the run; default: those of the config files.")
        parser.add_argument("--runs", type=Path, default=Path("runs"), help="Folder in which run folders are made.")
        parser.add_argument("--run", type=Path | None, help="Run folder to resume (fit) or to evaluate.")
        parser.add_argument(
            "--id",
            type=str | None,
            help="Id of the run: resumed if it has begun, so that a job that is started again needs no other command; "
            "default: SLURM's job and step, else a new one.",
        )
        parser.add_argument(
            "--evaluate", type=bool, default=True, help="Whether fit ends by evaluating the best checkpoint."
        )
        parser.add_argument("--figures", type=bool, default=True, help="Whether evaluation ends by drawing pictures.")
        parser.add_lightning_class_args(ClassificationMetrics, "metrics")
        parser.add_lightning_class_args(ObserveLoss, "observe")
        parser.add_argument("--checkpoint", type=CheckpointOptions, default=CheckpointOptions())
        parser.link_arguments("seed_everything", "data.init_args.seed", compute_fn=_integer_seed)

    @override
    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        super().parse_arguments(parser, args)
        command = self.config.subcommand
        config = self.config[command]
        if (path := config.ckpt_path) is None:
            if command != "fit" and config.run is None:
                raise ConfigError(f"entreg {command} needs a trained run: entreg {command} --run runs/<id>")
        elif command == "fit":
            raise ConfigError(f"--ckpt_path {path}: fit goes on in a run folder: entreg fit --run runs/<id>")
        else:
            check_checkpoint(Path(path))

    @override
    def before_instantiate_classes(self) -> None:
        config = self.options
        config.name = config.name or default_name(config)
        # A checkpoint from elsewhere is looked at, and a trial run tried: neither leaves anything behind.
        self.writes = not config.trainer.fast_dev_run and config.ckpt_path is None
        self.run = self._find_run(config)
        begun = config.run is None and self.writes and self.run.started
        stored = self.parser.parse_args(["fit", "--config", str(self.run.config)]).fit if begun else None
        fill_in(config, stored)
        self.resolved = config.clone()  # what config.yaml keeps: all but what is told to this process alone
        self.resolved.run = self.resolved.id = self.resolved.ckpt_path = None
        if stored is not None:
            self._check_same(stored)
        fit_to_machine(config)
        self.lease = Lease(self.run.lease)
        self.csv_log = CSVLog(self.run)
        self.summary: dict[str, Any] = read_summary(self.run) if self.run.started else {}
        notes: list[str] = []
        if self.subcommand == "fit":
            check_validation(config)
            for logger in _as_list(config.trainer.logger) if self.writes else ():
                notes += prepare_wandb(logger, config, self.run, config_hash(self.resolved.as_dict()))
        self.save_config_kwargs = {"run": self.run, "resolved": self.resolved, "log": self.csv_log, "notes": notes}

    @override
    def instantiate_classes(self) -> None:
        try:
            super().instantiate_classes()
        except (ValueError, MisconfigurationException) as error:  # what constructors say of their arguments
            raise ConfigError(readable(str(error))) from error

    @override
    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        given = self.config_init[self.subcommand]
        trainer = given.trainer
        self.throughput = Throughput()
        callbacks = [*_as_list(trainer.callbacks), Reseed(given.seed_everything), LossProgress(), self.throughput]
        if trainer.enable_progress_bar is not False:
            callbacks.append(RichProgressBar(leave=False))
        callbacks.append(StopOnNonFinite(self.run if self.writes else None))
        if self.writes:
            best, last = checkpoints(self.run, given.checkpoint, self.lease.check)
            self.stop = StopOnSignal(last)
            callbacks += [SavePredictions(self.run), best, last, *([self.stop] if self.subcommand == "fit" else [])]
        return super().instantiate_trainer(
            callbacks=callbacks,
            logger=[self.csv_log, *_as_list(trainer.logger)] if self.subcommand == "fit" else False,
            plugins=[*_as_list(trainer.plugins), AtomicCheckpointIO(), *cluster_plugins()],
            default_root_dir=self.run.path,
            **kwargs,
        )

    @property
    def options(self) -> Namespace:
        """The parsed config of the chosen command."""
        return self.config[self.subcommand]

    def fit(self, model: Classifier, datamodule: ImageDataModule, **_: Any) -> None:
        """Train or resume, then evaluate the checkpoint chosen on validation."""
        failed = True
        try:
            with self._occupied():
                self._train(model, datamodule, self.run.resume_from() if self.run.started else None)
                evaluated = self.options.evaluate and self.writes
                if evaluated:
                    self._evaluate(("val", "test"), self._chosen())
                self._finish()
                if evaluated:
                    self._interruptible(report_to_wandb, self.trainer, self.run, self.summary)
            failed = False
        except Stopped as stopped:
            if not self.trainer.is_global_zero:
                sys.exit(0)  # the first process says it, and ends as stopped
            if not stopped.together and self.trainer.strategy.launcher is not None:
                self.trainer.strategy.launcher.kill(signal.SIGTERM)
            finish_wandb(exit_code=1)  # SLURM ends the processes of a job that it takes back
            raise Interrupted(f"{stopped}; {self._how_to_go_on(stopped)}") from stopped
        finally:
            finish_wandb(exit_code=int(failed))

    @contextmanager
    def _occupied(self) -> Iterator[None]:
        """Have the run folder to ourselves, and leave none where training did not start."""
        if not self.writes:
            yield
        elif not self.trainer.is_global_zero:
            with self.stop:
                yield
        else:
            create_folder(self.run)
            with self.lease, self.stop:
                try:
                    yield
                finally:
                    remove_unless_started(self.run)

    def _find_run(self, config: Namespace) -> Run:
        """Return the run that is asked for, the one that this launch has begun before, or a new one."""
        if config.run is not None:
            return open_run(config.run)
        return new_run(config.runs, config.name, check_id(config.id) if config.id else launch_id())

    def _check_same(self, stored: Namespace) -> None:
        """Refuse to go on with a run under its id where the config is another."""
        if key := first_difference(stored.as_dict(), self.resolved.as_dict()):
            raise ConfigError(
                f"{self.run.path}: this run was begun with another {key}; give another --id, or go on with it as it "
                f"is: entreg fit --run {self.run.path}"
            )

    def _how_to_go_on(self, stopped: Stopped) -> str:
        """Hand the job back to SLURM where the signal asks for it; say how the run goes on."""
        if stopped.signum == signal.SIGUSR1 and requeue():
            return f"SLURM starts job {os.environ['SLURM_JOB_ID']} again, which goes on"
        return f"go on with: entreg fit --run {self.run.path}" if self.run.started else "nothing was written"

    def _chosen(self) -> Path:
        """Return the checkpoint that validation has chosen."""
        if not self.run.checkpoint("best").is_file():
            raise ConfigError(
                "training ended before its first validation, so no checkpoint was chosen: lower "
                "trainer.val_check_interval, or let trainer.max_epochs end it, not max_steps or max_time"
            )
        return self.run.best()

    def validate(self, ckpt_path: str | None = None, **_: Any) -> None:
        """Evaluate a run's best checkpoint on validation; ``ckpt_path``, without writing anything."""
        self._look_at("val", ckpt_path)

    def test(self, ckpt_path: str | None = None, **_: Any) -> None:
        """Evaluate a run's best checkpoint on test; ``ckpt_path``, without writing anything."""
        self._look_at("test", ckpt_path)

    def predict(self, ckpt_path: str | None = None, **_: Any) -> None:
        """Write the logits of the test images, as ``test`` does."""
        self.test(ckpt_path)

    def _look_at(self, split: str, ckpt_path: str | None) -> None:
        with self.lease if self.writes and self.trainer.is_global_zero else nullcontext():
            self.summary = read_summary(self.run) if self.writes else self.summary  # as nobody else writes it now
            self._evaluate((split,), self.run.best() if ckpt_path is None else Path(ckpt_path))
            self._finish()

    def _train(self, model: Classifier, datamodule: ImageDataModule, checkpoint: Path | None) -> None:
        """Train, from ``checkpoint`` on if there is one, and summarise what came of it."""
        trainer = self.trainer
        wall_seconds = self.summary.get("wall_seconds", 0.0)
        with shared_with_children(self.run.id):
            self._interruptible(trainer.fit, model, datamodule=datamodule, ckpt_path=checkpoint, weights_only=True)
        if self.writes:
            self.stop.check(trainer)
        self.summary = {}  # scores of an earlier best checkpoint are not this training's
        if self.writes:
            rank_zero_only(self.run.forget_predictions)()
        self._summarise(
            {
                "name": self.options.name,
                "arm": config_hash(self.resolved.as_dict()),
                "seed": self.options.seed_everything,
                "loss": type(model.loss).__name__,
                "net": type(model.net).__name__,
                "data": {"name": type(datamodule).__name__, **datamodule.fingerprints, **datamodule.description},
                "classes": list(datamodule.classes),
                "epochs": trainer.current_epoch,
                "steps": trainer.global_step,
                "coefficients": coefficients_of(model.loss),
                "precision": self.options.trainer.precision,
                "train_seconds": round(self.throughput.seconds, 1),
                "images_per_second": self.throughput.images_per_second,
                "wall_seconds": wall_seconds,
                **environment(),
            }
        )

    def _evaluate(self, splits: Sequence[str], checkpoint: Path) -> None:
        """Evaluate a checkpoint on ``splits``; write predictions, figures and summary."""
        for split in splits:
            step = self.trainer.validate if split == "val" else self.trainer.test
            options = {"datamodule": self.datamodule, "ckpt_path": checkpoint, "verbose": False, "weights_only": True}
            self._interruptible(step, self.model, **options)
            found = self.trainer.callback_metrics
            scores = {key.split("/")[1]: float(found[key]) for key in found if key.startswith(f"{split}/")}
            if scores:  # none if the trainer's limits leave no batch
                n, errors = round(scores["n"]), round(scores["errors"])
                exact = {"acc": 1 - errors / n, "errors": errors, "n": n}
                self._summarise({split: scores | exact})
        if self.writes and self.trainer.is_global_zero:
            data: ImageDataModule = self.datamodule
            self.run.forget_predictions(keep=("val", *data.test_names))
            scores = evaluate_predictions(self.run, data.ood_sets, self.options.metrics.bins)
            self._summarise({"ood_sets": data.ood_sets, **scores})
            if self.options.figures:
                draw_figures(self.run, data.classes, scores.get("temperature"), self.options.metrics.bins)

    def _interruptible(self, step: Any, *args: Any, **kwargs: Any) -> None:
        try:
            step(*args, **kwargs)
        except MisconfigurationException as error:  # as of a metric to monitor that nothing logs
            raise ConfigError(str(error)) from error
        except RuntimeError as error:
            if self.writes and self.stop.received and "DataLoader worker" in str(error):  # it was told to end, too
                raise Stopped(self.stop.received, "in the middle of a step") from error
            if self.trainer.world_size > 1 and lost_touch(error):
                reason = str(error).strip().splitlines()[0]
                again = f"; go on with: entreg fit --run {self.run.path}" if self.run.started else ""
                raise RunError(f"lost touch with another process ({reason}){again}") from error
            raise
        except wandb_errors() as error:
            raise RunError(f"W&B: {error}; log in again, or set WANDB_MODE=offline") from error
        except SystemExit as error:  # what Lightning makes of Ctrl-C
            begun = self.run.config.is_file()
            raise RunError(
                f"interrupted; go on with: entreg fit --run {self.run.path}" if begun else "interrupted"
            ) from error

    def _summarise(self, content: dict[str, Any]) -> None:
        self.summary |= content
        if self.writes and self.trainer.is_global_zero:
            self.lease.check()
            write_summary(self.run, self.summary)

    @rank_zero_only
    def _finish(self) -> None:
        if self.options.trainer.fast_dev_run:
            return
        if self.subcommand == "fit":
            seconds = self.summary["wall_seconds"] + time.time() - self.started
            self._summarise({"wall_seconds": round(seconds, 1), "finished": True})
        print_results(self.summary, self.run if self.writes else None)


def _integer_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ConfigError(f"seed_everything is {seed}: every run has a seed, give an integer")
    return seed


def _as_list(value: Any) -> list[Any]:
    if value is None or isinstance(value, bool):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
