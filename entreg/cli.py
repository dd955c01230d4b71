"""The LightningCLI: YAML to data, classifier, trainer, callbacks and run folder."""

from __future__ import annotations

import logging
import os
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from jsonargparse import Namespace
from lightning.pytorch import Trainer
from lightning.pytorch.callbacks import RichProgressBar
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from entreg import losses
from entreg.callbacks import (
    AtomicCheckpointIO,
    ClassificationMetrics,
    LastCheckpoint,
    ObserveLoss,
    Reseed,
    SavePredictions,
    Throughput,
    best_checkpoint,
)
from entreg.callbacks.run_folder import RunFolder
from entreg.classifier import Classifier
from entreg.data import ImageDataModule
from entreg.errors import ConfigError, RunError
from entreg.loggers import CSVLog, wandb_offline_reason
from entreg.report import print_line, print_results
from entreg.runs import Run, arm, environment, new_run, open_run, read_summary, update_summary


@dataclass(frozen=True)
class CheckpointOptions:
    """When checkpoints are written, and which is the best.

    Args:
        monitor: validation metric that chooses ``best.ckpt``.
        mode: whether its largest or smallest value is the best.
        every_n_steps: optimizer steps between two ``last.ckpt``; one is written after every validation too.
    """

    monitor: str = "val/acc"
    mode: Literal["max", "min"] = "max"
    every_n_steps: int = 200


class Parser(LightningArgumentParser):
    """A parser whose errors are one line."""

    @override
    def error(self, message: str, ex: Exception | None = None) -> None:  # type: ignore[override]
        raise ConfigError(one_line(message)) from ex


class EntregCLI(LightningCLI):
    """``fit | validate | test | predict`` over :class:`Classifier` and an :class:`ImageDataModule`.

    Args:
        args: command line without the program's name.
    """

    run: Run

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
            "--evaluate", type=bool, default=True, help="Whether fit ends by evaluating the best checkpoint."
        )
        parser.add_lightning_class_args(ClassificationMetrics, "metrics")
        parser.add_lightning_class_args(ObserveLoss, "observe")
        parser.add_argument("--checkpoint", type=CheckpointOptions, default=CheckpointOptions())
        parser.link_arguments("seed_everything", "data.init_args.seed", compute_fn=_integer_seed)

    @override
    def before_instantiate_classes(self) -> None:
        config = self.config[self.subcommand]
        config.trainer.precision = config.trainer.precision or best_precision(config.trainer.accelerator)
        self.resuming = config.run is not None
        if config.run is not None:
            self.run = open_run(config.run)
        else:
            config.name = config.name or _name_of(config)
            self.run = new_run(config.runs, config.name)
            os.environ["ENTREG_RUN_ID"] = self.run.id  # for the processes that a distributed launch starts
        self.resolved = config.clone()
        self.resolved.run = None
        self.arm = arm(self.resolved.as_dict())
        for logger in _wandb_loggers(config.trainer.logger):
            self._describe_to_wandb(logger, config)
        self.csv_log = CSVLog(self.run)
        self.save_config_kwargs = {"run": self.run, "resolved": self.resolved, "log": self.csv_log}

    @override
    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        given = self.config_init[self.subcommand]
        trainer, checkpoint = given.trainer, given.checkpoint
        self.throughput = Throughput()
        callbacks = [*_as_list(trainer.callbacks), Reseed(given.seed_everything), self.throughput]
        if trainer.enable_progress_bar is not False:
            callbacks.append(RichProgressBar(leave=False))
        if not trainer.fast_dev_run:
            callbacks.append(SavePredictions(self.run, given.metrics.bins))
            callbacks.append(best_checkpoint(self.run, checkpoint.monitor, checkpoint.mode))
            callbacks.append(LastCheckpoint(self.run, checkpoint.every_n_steps))
        loggers = [] if trainer.logger in (None, True, False) else _as_list(trainer.logger)
        return super().instantiate_trainer(
            callbacks=callbacks,
            logger=[self.csv_log, *loggers] if self.subcommand == "fit" else False,
            plugins=[*_as_list(trainer.plugins), AtomicCheckpointIO()],
            default_root_dir=self.run.path,
            **kwargs,
        )

    def fit(self, model: Classifier, datamodule: ImageDataModule, ckpt_path: str | None = None, **_: Any) -> None:
        """Train or resume, then evaluate the checkpoint chosen on validation."""
        trainer, config = self.trainer, self.config[self.subcommand]
        resume_from = self.run.resume_from() if self.resuming else ckpt_path
        trainer.fit(model, datamodule=datamodule, ckpt_path=resume_from, weights_only=True)
        if trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        self._summarise(
            {
                "name": config.name,
                "arm": self.arm,
                "seed": config.seed_everything,
                "loss": type(model.loss).__name__,
                "net": type(model.net).__name__,
                "data": {"name": type(datamodule).__name__, **datamodule.fingerprints()},
                "epochs": trainer.current_epoch,
                "steps": trainer.global_step,
                "coefficients": _learnt(model),
                "precision": config.trainer.precision,
                "train_seconds": round(self.throughput.seconds, 1),
                "images_per_second": self.throughput.images_per_second,
                **environment(),
            }
        )
        if config.evaluate:
            self.evaluate(("val", "test"), self.run.best())
        self._finish()

    def validate(self, model: Classifier, datamodule: ImageDataModule, ckpt_path: str | None = None, **_: Any) -> None:
        """Evaluate a run's best checkpoint, or ``ckpt_path``, on validation."""
        self.evaluate(("val",), self._checkpoint(ckpt_path))
        self._finish()

    def test(self, model: Classifier, datamodule: ImageDataModule, ckpt_path: str | None = None, **_: Any) -> None:
        """Evaluate a run's best checkpoint, or ``ckpt_path``, on test."""
        self.evaluate(("test",), self._checkpoint(ckpt_path))
        self._finish()

    def predict(self, model: Classifier, datamodule: ImageDataModule, ckpt_path: str | None = None, **_: Any) -> None:
        """Predict the test images and write their logits, as ``test`` does."""
        self.test(model, datamodule, ckpt_path)

    def evaluate(self, splits: Sequence[str], checkpoint: Path | None) -> None:
        """Evaluate a checkpoint on ``splits``; write predictions, figures and summary."""
        for split in splits:
            step = self.trainer.validate if split == "val" else self.trainer.test
            step(self.model, datamodule=self.datamodule, ckpt_path=checkpoint, verbose=False, weights_only=True)
            metrics = {key: float(value) for key, value in self.trainer.callback_metrics.items()}
            count = len(self.datamodule.val_ids if split == "val" else self.datamodule.test_set)
            scores = {key.split("/")[1]: value for key, value in metrics.items() if key.startswith(f"{split}/")}
            scores |= {"errors": round(scores["errors"]), "n": count}
            self._summarise({split: scores})

    def _checkpoint(self, ckpt_path: str | None) -> Path | None:
        if ckpt_path is None and not self.resuming:
            raise ConfigError(f"entreg {self.subcommand} needs a trained run: entreg {self.subcommand} --run runs/<id>")
        return self.run.best() if ckpt_path is None else Path(ckpt_path)

    @rank_zero_only
    def _summarise(self, content: dict[str, Any]) -> None:
        if not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            update_summary(self.run, content)

    @rank_zero_only
    def _finish(self) -> None:
        if self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            return
        summary = read_summary(self.run)
        seconds = summary.get("wall_seconds", 0.0) + time.time() - self.started
        if self.subcommand == "fit":
            update_summary(self.run, {"wall_seconds": round(seconds, 1)})
        print_results(self.run, summary)

    def _describe_to_wandb(self, logger: Namespace, config: Namespace) -> None:
        """Tell W&B which run this is; offline where it cannot be online, with one line that says how to sync."""
        reason = wandb_offline_reason()
        loss = losses_name(config)
        logger.init_args.id = self.run.id
        logger.init_args.name = logger.init_args.name or f"{loss}-seed{config.seed_everything}"
        logger.init_args.save_dir = str(self.run.path)
        described = {"group": config.name, "tags": [loss, config.data.class_path.rsplit(".", 1)[-1]]}
        if reason is not None:
            described["mode"] = "offline"
        logger.dict_kwargs = {**described, **(logger.get("dict_kwargs") or {})}
        if reason is not None and self.subcommand == "fit" and not config.trainer.fast_dev_run:
            print_line(f"W&B: {reason}, logging offline; later: wandb sync {self.run.path}/wandb/offline-run-*")


def best_precision(accelerator: str) -> str:
    """``bf16-mixed`` where the hardware multiplies bfloat16, else ``32-true``.

    Args:
        accelerator: as in ``Trainer(accelerator=...)``.
    """
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities = getattr(torch.cpu, "get_capabilities", dict)()  # absent before torch 2.10
        fast = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return "bf16-mixed" if fast else "32-true"


def losses_name(config: Namespace) -> str:
    """Registry name of the configured loss, else its class name."""
    path = config.model.loss.class_path if config.model.loss else "MixEntLoss"
    name = path.rsplit(".", 1)[-1]
    named = {info.class_path: info.name for info in losses.available().values()}
    return named.get(path, name)


def quiet() -> None:
    """Silence what Lightning says to everyone: banners, tips, and advice that does not apply here."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in (
        "LightningCLI's args parameter.*",  # main(argv) is our own command line
        ".*does not have many workers.*",  # images in memory need none
        ".*`srun` command is available.*",
        ".*Checkpoint directory .* exists and is not empty.*",
        ".*is smaller than the logging interval.*",
        ".*Trainer.fit.*with devices=1 is recommended.*",
        ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",
        ".*recommended to use `self.log.*sync_dist=True.*",  # the metrics are synchronised by torchmetrics
    ):
        warnings.filterwarnings("ignore", message)
    os.environ.setdefault("WANDB_SILENT", "true")


def one_line(message: str) -> str:
    """Fold a parser's message into one line."""
    return " ".join(message.split())


def _integer_seed(seed: Any) -> int:
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ConfigError(f"seed_everything is {seed}: every run has a seed, give an integer")
    return seed


def _name_of(config: Namespace) -> str:
    stems = [Path(str(path)).stem for path in config.config or []]
    return "-".join(stems) or losses_name(config)


def _wandb_loggers(logger: Any) -> list[Namespace]:
    named = [entry for entry in _as_list(logger) if isinstance(entry, Namespace)]
    return [entry for entry in named if entry.class_path.endswith("WandbLogger")]


def _as_list(value: Any) -> list[Any]:
    if value is None or isinstance(value, bool):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _learnt(model: Classifier) -> dict[str, float]:
    coefficients = getattr(model.loss, "coefficients", None)
    return {} if coefficients is None else {key: float(value) for key, value in coefficients.observed().items()}
