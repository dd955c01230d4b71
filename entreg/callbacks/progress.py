"""The clock of scheduled losses."""

from __future__ import annotations

import math
from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from entreg.errors import ConfigError


class LossProgress(Callback):
    """Set every buffer of the loss that is named ``progress`` to the share of the training that is done, in [0, 1).

    It is a function of the step, so that nothing of it is saved and a resumed run goes on as if never stopped.
    """

    def __init__(self) -> None:
        self._clocks: list[Tensor] = []
        self._steps = 1

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Find the buffers and the number of steps.

        Raises:
            ConfigError: if there are such buffers and nothing says when training ends.
        """
        buffers = pl_module.get_submodule("loss").named_buffers()
        self._clocks = [buffer for name, buffer in buffers if name.rpartition(".")[2] == "progress"]
        if self._clocks:
            steps = trainer.estimated_stepping_batches
            if math.isinf(steps):
                raise ConfigError("a scheduled loss needs to know when training ends: set trainer.max_epochs")
            self._steps = int(steps)

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Set them for this step."""
        for clock in self._clocks:
            clock.fill_(trainer.global_step / self._steps)
