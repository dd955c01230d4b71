"""The run folder becomes a run when training starts: its history, config.yaml, metrics.csv cut to the checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.cli import LightningArgumentParser, SaveConfigCallback
from lightning.pytorch.loggers import WandbLogger
from torch import nn
from typing_extensions import override

from entreg.console import print_line
from entreg.data.attached import datamodule_of
from entreg.files import atomic_path
from entreg.loggers import CSVLog
from entreg.runs import Run, read_summary, write_summary
from entreg.runs.experiment import arm_of
from entreg.runs.history import Start, history_of, was_tested
from entreg.runs.provenance import environment, processor
from entreg.runs.scoring import SCORES

_BATCH_NORMS = (nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d)  # of which nn.SyncBatchNorm is none


class RunFolder(SaveConfigCallback):
    """Write down what is trained as training starts, when everything has been checked.

    The start and what is trained on are added to the summary, of which the rest stays as it is, no longer ``finished``,
    until training ends.

    Args:
        parser: parser of the config.
        config: the config as instantiated.
        run: run folder.
        resolved: the config as to be written, without what belongs to this machine only.
        log: the run's CSV logger.
        notes: lines to print once training starts.
        changed: by dotted key, what of the config is changed of a run that goes on, from what to what.
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
        changed: Mapping[str, tuple[Any, Any]],
    ) -> None:
        super().__init__(parser, config, save_to_log_dir=False)
        self.run = run
        self.resolved = resolved
        self.log_file = log
        self.notes = notes
        self.changed = changed
        self._metrics_size = 0
        self._evaluated = False
        self._step = 0

    @override
    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Write nothing yet: data, network or checkpoint may still turn out not to fit."""

    @override
    def save_config(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        text = self.parser.dump(self.resolved, skip_unset=False, skip_link_targets=False, skip_validation=True)
        with atomic_path(self.run.config) as part:
            part.write_text(text, encoding="utf-8")

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Cut the log, write the start, then the config."""
        if not trainer.is_global_zero:
            return
        self.log_file.cut(self._metrics_size)  # which may refuse the log
        for step, size in self.log_file.gaps.items():
            print_line(f"{self.run.metrics}: the rows after step {step} are lost ({size} bytes)")
        summary = read_summary(self.run) if self.run.started else {}
        self._evaluated = not summary.keys().isdisjoint(SCORES)
        history = [*self._earlier(summary), self._start(trainer, pl_module, summary)]
        data = datamodule_of(trainer)
        trained_on = {**summary.get("data", {}), "name": type(data).__name__, **data.fingerprints}
        summary |= {"data": trained_on, "history": history, "finished": False}
        write_summary(self.run, summary, config_follows=True)
        self.save_config(trainer, pl_module, "fit")
        write_summary(self.run, summary)
        for note in self.notes:
            print_line(note)
        config = self.resolved.as_dict()
        arm = arm_of(config, {"history": history, "data": trained_on})
        for logger in trainer.loggers:
            if isinstance(logger, WandbLogger):
                logger.log_hyperparams({**config, "arm": arm})

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget the predictions and scores of an earlier training, before ``best.ckpt`` may become another."""
        if trainer.state.fn != "fit" or trainer.sanity_checking or not self._evaluated:
            return
        self._evaluated = False
        self.run.forget_predictions()
        summary = read_summary(self.run)
        write_summary(self.run, {key: value for key, value in summary.items() if key not in SCORES})

    def on_load_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Keep how many steps are done."""
        self._step = checkpoint["global_step"]

    def state_dict(self) -> dict[str, Any]:
        """Length of metrics.csv at this checkpoint, all of which is on disk before it."""
        return {"metrics_size": self.log_file.saved_size()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore it."""
        self._metrics_size = state_dict["metrics_size"]

    def _earlier(self, summary: Mapping[str, Any]) -> list[Start]:
        """Return the starts so far; of what was trained before there were histories, that it was."""
        history, max_epochs = history_of(summary), self.resolved.trainer.max_epochs
        if self._step == 0 or history:
            return history
        return [Start(step=0, max_epochs=self.changed.get("trainer.max_epochs", (max_epochs, max_epochs))[0])]

    def _start(self, trainer: Trainer, pl_module: LightningModule, summary: Mapping[str, Any]) -> Start:
        apart = any(isinstance(module, _BATCH_NORMS) for module in pl_module.modules())
        return Start(
            time=datetime.now(timezone.utc).isoformat(timespec="seconds"),
            step=self._step,
            max_epochs=self.resolved.trainer.max_epochs,
            device=processor(trainer.strategy.root_device),
            processes=trainer.world_size,
            batchnorm_parts=trainer.world_size if apart else 1,
            changed={key: after for key, (_, after) in self.changed.items()},
            test_seen=was_tested(self.run, summary),
            **environment(),
        )
