"""The LightningCLI: YAML to data, classifier and trainer."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from jsonargparse import Namespace, set_dumper
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch import Trainer
from lightning.pytorch.cli import LightningArgumentParser, LightningCLI
from lightning.pytorch.profilers import Profiler
from typing_extensions import override

from entreg.callbacks import AtomicCheckpointIO, CheckpointOptions, ClassificationMetrics, ObserveLoss, RunFolder
from entreg.classifier import Classifier
from entreg.cli.dump import dump
from entreg.cli.help import asks_for_help, page_of
from entreg.cli.layers import headless, overridden
from entreg.cli.messages import OneLineErrors, readable
from entreg.cli.options import values
from entreg.cli.resolve import as_list, integer_seed
from entreg.cli.session import Parts, Session
from entreg.cli.shorthand import config_words
from entreg.cli.unfit import check_callbacks
from entreg.cluster import cluster_plugins
from entreg.console import print_note
from entreg.data import ClassificationDataModule
from entreg.errors import ConfigError
from entreg.runs import Run, check_checkpoint, check_unchanged, read_config, read_summary
from entreg.trust import check_config, named_in


class Parser(OneLineErrors, LightningArgumentParser):
    """LightningCLI's parser."""


class EntregCLI(LightningCLI):
    """``fit | validate | test`` over a :class:`Classifier` and a data module.

    Args:
        args: command line without the program's name: the command, then its options.

    Attributes:
        command: which of the three a subclass is.
        session: the command at work, made as soon as the command line is parsed.
        options: parser of the command alone.
        trust: whether the config of a run folder may name any class.
    """

    command: ClassVar[str]
    session: Session
    options: LightningArgumentParser
    trust: bool

    def __init__(self, args: Sequence[str]) -> None:
        self.started = time.time()
        set_dumper("yaml", dump)
        super().__init__(
            Classifier,
            ClassificationDataModule,
            subclass_mode_data=True,
            save_config_callback=RunFolder,
            seed_everything_default=0,
            trainer_defaults={
                "enable_model_summary": False,
                "use_distributed_sampler": False,
                "num_sanity_val_steps": 0,
                "sync_batchnorm": None,
                "deterministic": False,  # Lightning's None leaves what a run before this one in the process has set
                "benchmark": False,  # likewise
            },
            parser_class=Parser,
            auto_configure_optimizers=False,
            load_from_checkpoint_support=False,
            args=list(args),
        )

    @override
    @classmethod
    def subcommands(cls) -> dict[str, set[str]]:
        """Return the command at hand alone: parsers of all would take three times as long to make."""
        return {cls.command: LightningCLI.subcommands()[cls.command]}

    @override
    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        self.options = parser
        parser.add_argument("--name", type=str | None, help="Name of the run; default: data, network, loss and seed.")
        parser.add_argument("--runs", type=Path, default=Path("runs"), help="Folder in which run folders are made.")
        parser.add_argument("--run", type=Path | None, help="Run folder to resume (fit) or to evaluate.")
        parser.add_argument(
            "--trust",
            action="store_true",
            help="Whether the config of the run folder may name any class, whose code then runs; else those of entreg, "
            "of installed packages that register them, and of the modules in ENTREG_TRUST.",
        )
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
        parser.link_arguments("seed_everything", "data.init_args.seed", compute_fn=integer_seed)

    @override
    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        assert isinstance(parser, Parser)
        parser.of_command = self.options
        if asks_for_help(args):
            print(page_of(self.command, self.options, self.options.parse_args, args[1:]), end="")
            raise SystemExit(0)
        try:
            super().parse_arguments(parser, args)
        except ConfigError as error:
            file = headless(Path(file) for _, file in values(args, "--config"))
            if file is None or not str(error).startswith("data"):
                raise
            raise ConfigError(
                f"{file}: sets options of data that no config before it names; lay it over one that does: "
                f"--config configs/mix_ent.yaml --config {file}"
            ) from error
        config = self.config[self.command]
        for line in overridden([Path(str(file)) for file in config.config or () if file is not None]):
            print_note(line)
        self.trust = config.pop("trust")  # of this command, no part of a run
        if (path := config.ckpt_path) is None:
            if self.command != "fit" and config.run is None:
                raise ConfigError(f"entreg {self.command} needs a trained run: entreg {self.command} --run runs/<id>")
        elif self.command == "fit":
            raise ConfigError(f"--ckpt_path {path}: fit goes on in a run folder: entreg fit --run runs/<id>")
        else:
            check_checkpoint(Path(path))

    @override
    def before_instantiate_classes(self) -> None:
        self.session = Session(self.command, self.config[self.command], self._read, self.started)
        self.save_config_kwargs = {
            "run": self.session.run,
            "resolved": self.session.resolved,
            "log": self.session.log,
            "notes": self.session.notes,
            "changed": self.session.changed,
        }

    @override
    def instantiate_classes(self) -> None:
        try:
            super().instantiate_classes()
        except (ValueError, MisconfigurationException) as error:  # what constructors say of their arguments
            raise ConfigError(readable(str(error))) from error

    @override
    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        given = self.config_init[self.command]
        check_callbacks(as_list(given.trainer.callbacks), begun=self.session.run.started)
        loggers = [self.session.log, *as_list(given.trainer.logger)] if self.command == "fit" else False
        trainer = super().instantiate_trainer(
            callbacks=[*as_list(given.trainer.callbacks), *self.session.callbacks(given)],
            logger=loggers,
            plugins=[*as_list(given.trainer.plugins), AtomicCheckpointIO(), *cluster_plugins()],
            default_root_dir=self.session.run.path,
            **kwargs,
        )
        profiler: Profiler = trainer.profiler  # type: ignore[attr-defined]
        if self.session.writes and profiler.dirpath is None:  # else it writes beside the run folders
            profiler.dirpath = self.session.run.path / "profile"
        return trainer

    def fit(self, model: Classifier, datamodule: ClassificationDataModule, **_: Any) -> None:
        """Train or resume, then evaluate the checkpoint chosen on validation."""
        self.session.fit(Parts(self.trainer, model, datamodule))

    def validate(
        self, model: Classifier, datamodule: ClassificationDataModule, ckpt_path: str | None = None, **_: Any
    ) -> None:
        """Evaluate a run's best checkpoint on validation; ``ckpt_path``, without writing anything."""
        self.session.evaluate("val", Parts(self.trainer, model, datamodule), ckpt_path)

    def test(
        self, model: Classifier, datamodule: ClassificationDataModule, ckpt_path: str | None = None, **_: Any
    ) -> None:
        """Evaluate a run's best checkpoint on test; ``ckpt_path``, without writing anything."""
        self.session.evaluate("test", Parts(self.trainer, model, datamodule), ckpt_path)

    def _read(self, run: Run) -> Namespace:
        """Parse the config of a run that has begun under an id; what the command names is the user's own."""
        config = read_config(run)
        if not self.trust:
            check_config(config, run.config, own=named_in(self.config[self.command].as_dict()))
        check_unchanged(run, read_summary(run), (run.config,))
        stored = self.parser.parse_args([self.command, *config_words(run, config)])[self.command]
        stored.pop("trust")
        return stored


class Fit(EntregCLI):
    """``entreg fit``."""

    command = "fit"


class Validate(EntregCLI):
    """``entreg validate``."""

    command = "validate"


class Test(EntregCLI):
    """``entreg test``."""

    command = "test"


COMMANDS: dict[str, type[EntregCLI]] = {cli.command: cli for cli in (Fit, Validate, Test)}
