"""Accuracy, calibration and scores of every epoch, as torchmetrics collections owned by a callback."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics import Metric, MetricCollection
from torchmetrics.classification import MulticlassAccuracy

from entreg.data import Batch
from entreg.data.attached import datamodule_of
from entreg.metrics import (
    NLL,
    Brier,
    CalibrationError,
    Errors,
    Mean,
    MeanConfidence,
    MeanEntropy,
    Samples,
    TrainingScores,
)
from entreg.metrics.checks import IGNORE_INDEX
from entreg.step import StepOutput, is_captured

_PROGRESS_BAR = ("train/loss", "val/acc", "val/ece")


class ClassificationMetrics(Callback):
    """Log accuracy, calibration error and loss of train, val and test, and more scores of val and test.

    Keys are ``<stage>/acc``, ``ece`` and ``loss``, and besides ``n``, ``errors``, ``nll``, ``brier``, ``entropy`` and
    ``confidence``.

    The metrics of a stage are reset after each epoch. Their states are part of the checkpoint, so an epoch that is
    resumed in its middle reports the same numbers as one that never stopped.

    Args:
        bins: equally wide bins of the calibration error.

    Attributes:
        training: scores of the training batches; a captured step updates them itself.
        collections: those of val and test.
    """

    def __init__(self, bins: int = 15) -> None:
        if bins < 1:
            raise ValueError(f"metrics.bins is a number >= 1, got {bins}")
        self.bins = bins
        self.training = TrainingScores(bins, ignore_index=None)  # data modules hold classes alone
        self.collections: dict[str, MetricCollection] = {}
        self.device = torch.device("cpu")

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Make the collections for the classes of the data, once."""
        if self.collections:
            return
        knows: Any = datamodule_of(trainer) or pl_module
        if knows is pl_module:  # loaders of any kind may hold targets that do not count
            self.training = TrainingScores(self.bins)
        self.device = trainer.strategy.root_device
        common: dict[str, Metric | MetricCollection] = {
            "acc": MulticlassAccuracy(
                knows.num_classes, average="micro", ignore_index=IGNORE_INDEX, validate_args=False
            ),
            "ece": CalibrationError(self.bins),
        }
        scores: dict[str, Metric | MetricCollection] = {
            "errors": Errors(),
            "nll": NLL(),
            "brier": Brier(),
            "entropy": MeanEntropy(),
            "confidence": MeanConfidence(),
            "n": Samples(),
        }
        for name in ("val", "test"):
            metrics = MetricCollection(common | scores, prefix=f"{name}/", compute_groups=False)
            self.collections[name] = metrics.clone()
            self.collections[f"{name}-loss"] = MetricCollection({"loss": Mean()}, prefix=f"{name}/").clone()
        self.training.persistent(True)
        self.training.to(self.device)
        for collection in self.collections.values():
            collection.persistent(True)
            collection.to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """States of all metrics, summed over the processes."""
        with ExitStack() as synced:
            for metric in (
                self.training,
                *(m for collection in self.collections.values() for m in collection.values()),
            ):
                synced.enter_context(metric.sync_context())
            return {
                name: {key: value.clone() for key, value in metrics.state_dict().items()}
                for name, metrics in self._by_stage().items()
            }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore the states; only the first process takes them, as they hold everyone's sums."""
        if torch.distributed.is_initialized() and torch.distributed.get_rank() > 0:
            return
        for name, metrics in self._by_stage().items():
            metrics.load_state_dict(_training_sums(state_dict, self.bins) if name == "train" else state_dict[name])
            metrics.to(self.device)  # checkpoints are loaded to the CPU

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, *_: Any, **__: Any
    ) -> None:
        """Update, unless a captured step has."""
        if not is_captured(pl_module):
            self.training.update(outputs["value"], outputs["logits"], batch.target)

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, *_: Any, **__: Any
    ) -> None:
        """Update."""
        self._update("val", outputs, batch)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Update; the sets that follow the test set are evaluated from their predictions.

        Where there are any, log and reset already here: what is logged at the end of the epoch Lightning shows as if it
        were of each of the sets.
        """
        if dataloader_idx > 0:
            return
        self._update("test", outputs, batch)
        batches = trainer.num_test_batches
        if len(batches) > 1 and batch_idx + 1 == batches[0]:
            self._log(pl_module, "test")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log and reset, where the test set is alone."""
        if len(trainer.num_test_batches) == 1:
            self._log(pl_module, "test")

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log and reset."""
        for name, value in self.training.compute().items():
            self._log_score(pl_module, f"train/{name}", value)
        self.training.reset()

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log and reset."""
        self._log(pl_module, "val")

    def _update(self, name: str, outputs: StepOutput, batch: Batch) -> None:
        if len(batch.target) == 0:  # a process without a share in the last evaluation batch
            return
        self.collections[name].update(outputs["logits"], batch.target)
        counted = (batch.target != IGNORE_INDEX).sum()
        self.collections[f"{name}-loss"].update(torch.where(counted > 0, outputs["value"] * counted, 0.0), counted)

    def _log(self, pl_module: LightningModule, name: str) -> None:
        for collection in (self.collections[name], self.collections[f"{name}-loss"]):
            for key, value in collection.compute().items():
                self._log_score(pl_module, key, value)
            collection.reset()

    def _log_score(self, pl_module: LightningModule, key: str, value: Tensor) -> None:
        shown = key in _PROGRESS_BAR
        pl_module.log(key, value.float(), shown, on_step=False, on_epoch=True, batch_size=1, add_dataloader_idx=False)

    def _by_stage(self) -> dict[str, Metric | MetricCollection]:
        return {"train": self.training, **self.collections}


def _training_sums(state_dict: dict[str, Any], bins: int) -> dict[str, Any]:
    """State of :class:`TrainingScores`, which in older checkpoints is that of three metrics."""
    if "train-loss" not in state_dict:
        return state_dict["train"]
    sums = {key.removeprefix("loss."): value for key, value in state_dict["train-loss"].items()}
    binned = state_dict.get("train", {}).get("ece.state")  # absent where targets were mixed
    return {"state": torch.zeros(3, bins, dtype=torch.float64) if binned is None else binned, **sums}
