"""What an evaluation leaves in the run folder: predictions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from entreg.data import Batch
from entreg.data.attached import datamodule_of
from entreg.runs import Run, write_predictions


class SavePredictions(Callback):
    """Write ``predictions/<set>.npz`` for each set evaluated.

    Logits of all processes are gathered, each sample once, sorted by id: the file is the same for any world size.
    Validation inside training writes nothing.

    Args:
        run: run folder.
    """

    def __init__(self, run: Run) -> None:
        self.run = run
        self._rows: dict[int, list[tuple[Tensor, Tensor, Tensor]]] = {}

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, *_: Any, **__: Any
    ) -> None:
        """Collect."""
        if trainer.state.fn == "validate":
            self._collect(outputs, batch)

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Batch,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Collect."""
        self._collect(outputs, batch, dataloader_idx)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write."""
        if trainer.state.fn == "validate":
            self._write(trainer, ["val"])

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write."""
        self._write(trainer, datamodule_of(trainer).test_names)

    def _collect(self, outputs: Any, batch: Batch, loader: int = 0) -> None:
        self._rows.setdefault(loader, []).append((outputs["logits"].float(), batch.target, batch.id))

    def _write(self, trainer: Trainer, names: Sequence[str]) -> None:
        for loader, rows in sorted(self._rows.items()):
            columns = [torch.cat(column) for column in zip(*rows, strict=True)]
            if trainer.world_size > 1:
                columns = [torch.cat(gather_all_tensors(column)) for column in columns]
            if trainer.is_global_zero:
                logits, targets, ids = (column.cpu() for column in columns)
                write_predictions(self.run.predictions(names[loader]), logits, targets, ids)
        self._rows.clear()
