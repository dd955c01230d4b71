"""What Lightning does not restore of callbacks of its own when a training goes on."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import EarlyStopping, GradientAccumulationScheduler
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason


class GoOn(Callback):
    """Let a training that goes on be as it was when it stopped.

    One that early stopping has ended stays ended, unless its patience has been raised since. One that goes on inside an
    epoch sums the gradients of as many batches as its schedule says for that epoch.
    """

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Tell the trainer, after the callbacks have been restored."""
        for callback in trainer.callbacks:  # type: ignore[attr-defined]
            if isinstance(callback, GradientAccumulationScheduler):
                trainer.accumulate_grad_batches = callback.get_accumulate_grad_batches(trainer.current_epoch)
        epochs: Any = trainer.fit_loop.epoch_progress.current
        if epochs.ready <= epochs.processed:  # else the end of an epoch is still to come
            _stay_stopped(trainer)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Likewise, after the end of an epoch whose validation was the last thing before."""
        _stay_stopped(trainer)


def _stay_stopped(trainer: Trainer) -> None:
    callbacks = trainer.early_stopping_callbacks
    if any(isinstance(callback, EarlyStopping) and _has_stopped(callback) for callback in callbacks):
        trainer.should_stop = True


def _has_stopped(callback: EarlyStopping) -> bool:
    if callback.stopping_reason == EarlyStoppingReason.PATIENCE_EXHAUSTED:
        return callback.wait_count >= callback.patience
    return callback.stopping_reason != EarlyStoppingReason.NOT_STOPPED
