"""One line on what is about to be trained, and one on why it ended early."""

from __future__ import annotations

from pathlib import Path

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping

from entreg.console import print_line
from entreg.data import ImageDataModule
from entreg.data.attached import datamodule_of


class Announce(Callback):
    """Say, once data and network are there: network, device and precision, samples, run folder; then, what stopped it.

    Args:
        folder: run folder; ``None`` where nothing is written.
    """

    def __init__(self, folder: Path | None) -> None:
        self.folder = folder

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print it."""
        data = datamodule_of(trainer)
        net = pl_module.get_submodule("net")
        parameters = sum(parameter.numel() for parameter in net.parameters())
        several = f"{trainer.world_size} x " if trainer.world_size > 1 else ""
        parts = {"training": data.train_ids, "validation": data.val_ids, "test": data.test_set}
        counts = ", ".join(f"{len(part):,} {name}" for name, part in parts.items())
        print_line(
            f"{type(net).__name__}, {parameters:,} parameters, on {several}{trainer.strategy.root_device.type} in "
            f"{trainer.precision}; {counts} {'images' if isinstance(data, ImageDataModule) else 'samples'}; "
            f"{self.folder or 'nothing is written'}"
        )

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Print what early stopping says."""
        for callback in trainer.early_stopping_callbacks:
            if isinstance(callback, EarlyStopping) and callback.stopping_reason_message:
                print_line(
                    f"stopped early: {callback.stopping_reason_message.removesuffix(' Signaling Trainer to stop.')}"
                )
