"""Options and callbacks of Lightning under which a run would not be what its config says."""

from __future__ import annotations

import inspect
from collections.abc import Sequence

from jsonargparse import Namespace
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import (
    BackboneFinetuning,
    BatchSizeFinder,
    EarlyStopping,
    LearningRateFinder,
    ModelCheckpoint,
    ModelPruning,
    StochasticWeightAveraging,
    WeightAveraging,
)
from torch.optim import lr_scheduler

from entreg.callbacks.checkpoint import BEST, LOGGED
from entreg.data.loaders import check_order
from entreg.errors import ConfigError

_INSTEAD: dict[type[Callback], str] = {
    StochasticWeightAveraging: "its average is never validated: use EMAWeightAveraging (configs/ema.yaml)",
    BatchSizeFinder: "it trains with another batch size than the config says: set data.batch_size",
    LearningRateFinder: "it changes a rate that the config says: set model.optimizer.init_args.lr, or try several by "
    "entreg sweep (configs/sweeps)",
    ModelPruning: "it changes the network after its checkpoints have been laid out: prune in the network's own class",
    BackboneFinetuning: "no network here has a part of that name: freeze parameters in the network's own class",
}

_NUMBERS_OF_STEPS = ("total_steps", "T_max", "total_iters", "T_0")  # as PyTorch's schedules call it
_OURS = ("best", "last", "previous", "post-mortem")  # checkpoints of a run folder


def check_callbacks(callbacks: Sequence[Callback], begun: bool = False) -> None:
    """Refuse callbacks of Lightning's that make a run another than its config says, or cannot work here.

    Args:
        callbacks: of the user's.
        begun: whether they are those of a run that has begun, which may go on as it is.

    Raises:
        ConfigError: naming the callback, why it is refused and what to do instead.
    """
    for callback in callbacks:
        for refused, why in _INSTEAD.items():
            if isinstance(callback, refused):
                raise ConfigError(f"trainer.callbacks: {type(callback).__name__} is not supported, as {why}")
        if isinstance(callback, EarlyStopping | ModelCheckpoint) and not begun:
            _check_mode(callback)
    averaged = any(isinstance(callback, WeightAveraging) for callback in callbacks)
    for callback in callbacks:
        if not isinstance(callback, ModelCheckpoint):
            continue
        if averaged and callback.save_weights_only:
            raise ConfigError(
                "trainer.callbacks: a ModelCheckpoint with save_weights_only would keep the weights themselves, chosen "
                "by their average: leave save_weights_only out"
            )
        if callback.dirpath is None and (callback.save_last or callback.filename in _OURS):
            raise ConfigError(
                "trainer.callbacks: a ModelCheckpoint would write best.ckpt or last.ckpt, which the run keeps itself: "
                "give it a dirpath, or another filename and no save_last"
            )


def _check_mode(callback: EarlyStopping | ModelCheckpoint) -> None:
    """Refuse the mode that a callback has by itself where it is the wrong one for its metric."""
    best = BEST.get(callback.monitor or "", callback.mode)
    if best != callback.mode:
        raise ConfigError(
            f"trainer.callbacks: {type(callback).__name__} takes {callback.monitor} for better the "
            f"{'smaller' if best == 'max' else 'larger'} it is: set its mode to {best}, right behind it "
            f"(--trainer.callbacks.mode {best})"
        )


def check_trainer(config: Namespace) -> None:
    """Refuse options of the trainer, likewise, and a training that would never validate, where validation is to choose.

    Raises:
        ConfigError: naming the options and what to do instead.
    """
    trainer = config.trainer
    check_order(trainer.overfit_batches)
    _check_schedule(config.model.schedule)
    if config.checkpoint.monitor not in LOGGED and not trainer.callbacks:  # else a callback may log it
        expected = ", ".join(LOGGED)
        raise ConfigError(f"checkpoint.monitor: {config.checkpoint.monitor} is not logged, expected one of {expected}")
    too_short = 0 < (trainer.max_epochs or 0) < (trainer.check_val_every_n_epoch or 1)
    never = trainer.limit_val_batches == 0 or too_short
    if config.evaluate and never and not trainer.fast_dev_run:
        raise ConfigError(
            "fit ends with the checkpoint chosen on validation, and the trainer's options leave no validation: "
            "change trainer.limit_val_batches or check_val_every_n_epoch, or add --evaluate false"
        )


def _check_schedule(schedule: Namespace | None) -> None:
    """Refuse a schedule of PyTorch's that would take the number of steps for something else, as a rate."""
    module, _, name = (schedule.class_path if isinstance(schedule, Namespace) else "").rpartition(".")
    if module != "torch.optim.lr_scheduler":
        return
    _, first, *_ = inspect.signature(getattr(lr_scheduler, name)).parameters
    if first not in _NUMBERS_OF_STEPS:
        raise ConfigError(
            f"model.schedule: {name} would take the number of steps for its {first}; expected a schedule that takes it "
            f"first ({', '.join(_NUMBERS_OF_STEPS)}), or a function or class of your own with (optimizer, total_steps)"
        )
