"""The run folder becomes a run when training starts: config.yaml, and metrics.csv cut to the checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, SaveConfigCallback
from lightning.pytorch.loggers import WandbLogger
from typing_extensions import override

from entreg.console import print_line
from entreg.files import atomic_path
from entreg.loggers import CSVLog
from entreg.runs import Run
from entreg.runs.provenance import config_hash


class RunFolder(SaveConfigCallback):
    """Write the resolved config as training starts, when everything has been checked.

    Args:
        parser: parser of the config.
        config: the config as instantiated.
        run: run folder.
        resolved: the config as to be written, without what belongs to this machine only.
        log: the run's CSV logger.
        notes: lines to print once training starts.
    """

    def __init__(
        self,
        parser: LightningArgumentParser,
        config: Any,
        *,
        run: Run,
        resolved: Any,
        log: CSVLog,
        notes: Sequence[str],
    ) -> None:
        super().__init__(parser, config, save_to_log_dir=False)
        self.run = run
        self.resolved = resolved
        self.log_file = log
        self.notes = notes
        self._metrics_size = 0

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write nothing yet: data, network or checkpoint may still turn out not to fit."""

    @override
    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        text = self.parser.dump(self.resolved, skip_unset=False, skip_link_targets=False, skip_validation=True)
        with atomic_path(self.run.config) as part:
            part.write_text(text)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Cut the log, write the config."""
        if trainer.is_global_zero:
            self.log_file.cut(self._metrics_size)
            for step, size in self.log_file.gaps.items():
                print_line(f"{self.run.metrics}: the rows after step {step} are lost ({size} bytes)")
            self.save_config(trainer, pl_module, "fit")
            for note in self.notes:
                print_line(note)
        config = self.resolved.as_dict()
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_hyperparams({**config, "arm": config_hash(config)})

    def state_dict(self) -> dict[str, Any]:
        """Length of metrics.csv at this checkpoint, all of which is on disk before it."""
        return {"metrics_size": self.log_file.saved_size()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore it."""
        self._metrics_size = state_dict["metrics_size"]
