"""Dropout and everything else that draws from the global generators, as a function of (seed, step, rank)."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from entreg.data.sampling import counter_seed


class Reseed(Callback):
    """Seed the global generators at every training batch, so that no random state needs saving.

    Args:
        seed: seed of the run.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Seed for this batch and process."""
        counters = (self.seed, trainer.current_epoch, batch_idx, trainer.global_rank)
        seed = counter_seed(*counters, "dropout")
        # torch.manual_seed would take note of the seed for every kind of accelerator that is not there: as long as the
        # rest of what Lightning does in a step.
        torch.default_generator.manual_seed(seed)
        if trainer.strategy.root_device.type == "cuda":
            torch.cuda.manual_seed(seed)
