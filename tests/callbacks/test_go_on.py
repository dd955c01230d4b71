"""A training that goes on is as it was: ended by early stopping, or summing gradients by a schedule."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from lightning.pytorch import LightningModule
from lightning.pytorch.callbacks import EarlyStopping, GradientAccumulationScheduler
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason

from entreg.callbacks import GoOn


def started(*callbacks: Any, epoch: int = 0) -> Any:
    trainer: Any = SimpleNamespace(
        callbacks=[*callbacks, GoOn()], should_stop=False, accumulate_grad_batches=1, current_epoch=epoch
    )
    trainer.early_stopping_callbacks = callbacks
    trainer.fit_loop = SimpleNamespace(epoch_progress=SimpleNamespace(current=SimpleNamespace(ready=2, processed=2)))
    trainer.callbacks[-1].on_train_start(trainer, LightningModule())
    return trainer


@pytest.mark.parametrize(
    ("reason", "waited", "stops"),
    [
        (EarlyStoppingReason.NOT_STOPPED, 1, False),
        (EarlyStoppingReason.PATIENCE_EXHAUSTED, 3, True),
        (EarlyStoppingReason.PATIENCE_EXHAUSTED, 2, False),  # it has been raised since
        (EarlyStoppingReason.STOPPING_THRESHOLD, 0, True),
    ],
)
def test_what_early_stopping_has_ended_stays_ended(reason: EarlyStoppingReason, waited: int, stops: bool) -> None:
    callback = EarlyStopping("val/acc", patience=3)
    callback.stopping_reason, callback.wait_count = reason, waited
    assert started(callback).should_stop is stops


def test_gradients_are_summed_as_the_epoch_says() -> None:
    callback = GradientAccumulationScheduler({0: 2, 2: 4})
    assert [started(callback, epoch=epoch).accumulate_grad_batches for epoch in range(4)] == [2, 2, 4, 4]
