"""How long training took and how many samples it saw, resumes included."""

from __future__ import annotations

import time
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer

from entreg.data import Batch


class Throughput(Callback):
    """Count training samples and the seconds spent on them, from the start of the first epoch, without validation.

    A step that is captured or compiled takes its time from the first batch.
    """

    def __init__(self) -> None:
        self.samples = 0
        self.seconds = 0.0
        self._since: float | None = None

    @property
    def samples_per_second(self) -> float | None:
        """Samples over seconds, ``None`` before the first."""
        return self.samples / self.seconds if self.seconds else None

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Start the clock."""
        self._since = time.perf_counter()

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Start the clock after a resume or a validation inside the epoch."""
        self._since = time.perf_counter() if self._since is None else self._since

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Count a batch."""
        self.samples += len(batch.target) * trainer.world_size
        self._add()

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Stop the clock."""
        self._since = None

    def state_dict(self) -> dict[str, Any]:
        """Both counts; samples were once called images."""
        return {"images": self.samples, "seconds": self.seconds}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore both."""
        self.samples, self.seconds = state_dict["images"], state_dict["seconds"]

    def _add(self) -> None:
        now = time.perf_counter()
        self.seconds += now - (now if self._since is None else self._since)
        self._since = now
