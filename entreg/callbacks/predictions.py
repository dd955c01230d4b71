"""What an evaluation leaves in the run folder: predictions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor
from torchmetrics.utilities.distributed import gather_all_tensors

from entreg.data import Batch
from entreg.data.attached import datamodule_of
from entreg.errors import DataError
from entreg.runs import Run, write_predictions

_DATA = {
    "train": "training data",
    "val": "validation data",
    "test": "test labels",
    "pixels": "test images",
    "inputs": "test inputs",
}


class SavePredictions(Callback):
    """Write ``predictions/<set>.npz`` for each set evaluated.

    Logits of all processes are gathered, each sample once, sorted by id: the file is the same for any world size.
    Validation inside training writes nothing.

    Args:
        run: run folder.
        told: what its summary says of the data that it was trained and tested on, which are to be these.
    """

    def __init__(self, run: Run, told: Mapping[str, Any] = MappingProxyType({})) -> None:
        self.run = run
        self.told = told
        self._rows: dict[int, list[tuple[Tensor, Tensor, Tensor]]] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Refuse other data.

        Raises:
            DataError: naming what is another.
        """
        if not self.told:
            return
        data = datamodule_of(trainer)
        found = {**data.description, **data.fingerprints}
        for key, what in _DATA.items():
            if self.told.get(key, found.get(key)) != found.get(key):
                best = self.run.checkpoint("best")
                raise DataError(
                    f"{data.root}: the {what} are not those of {self.run.path} (fingerprint {found.get(key)}, was "
                    f"{self.told[key]}); to look at them without writing, add --ckpt_path {best}"
                )

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

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Load the checkpoint again: a callback that averages weights has put its last average in their place."""
        if trainer.state.fn == "validate" and trainer.ckpt_path is not None:
            checkpoint = torch.load(trainer.ckpt_path, map_location="cpu", weights_only=True)
            pl_module.load_state_dict(checkpoint["state_dict"])

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
