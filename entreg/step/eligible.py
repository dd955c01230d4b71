"""Why a training step cannot be captured as a CUDA graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import (
    GradientAccumulationScheduler,
    LearningRateMonitor,
    ModelPruning,
    ProgressBar,
    StochasticWeightAveraging,
    ThroughputMonitor,
    Timer,
)
from lightning.pytorch.strategies import SingleDeviceStrategy
from torch.optim import Adam, AdamW

from entreg.data import ClassificationDataModule, ImageDataModule, VectorDataModule
from entreg.data.device import on_device
from entreg.data.loaders import Loaders
from entreg.optimizers import can_skip_steps
from entreg.step.module import StepModule

_INSIDE = ("on_before_zero_grad", "on_before_backward", "on_after_backward", "on_before_optimizer_step")
_STEPS = ("forward", "training_step", "backward", "optimizer_step", "optimizer_zero_grad")
_TRANSFERS = ("on_before_batch_transfer", "transfer_batch_to_device")
_REBUILDING = (GradientAccumulationScheduler, ModelPruning, StochasticWeightAveraging)
_BLIND = (LearningRateMonitor, ProgressBar, ThroughputMonitor, Timer)  # of Lightning's own, those that see no batch


def obstacle(
    trainer: Trainer, model: StepModule, data: ClassificationDataModule, ours: Sequence[type[Callback]]
) -> str | None:
    """Say in words what keeps the step of a training from being captured; ``None``: nothing that is known beforehand.

    Args:
        trainer: about to train.
        model: attached to it.
        data: likewise.
        ours: callbacks that know of captured steps.
    """
    if not isinstance(trainer.strategy, SingleDeviceStrategy):
        return f"the strategy is {type(trainer.strategy).__name__}"
    if trainer.accumulate_grad_batches > 1:
        return "gradients are accumulated"
    if getattr(trainer.precision_plugin, "scaler", None) is not None:
        return f"precision {trainer.precision} scales gradients"
    if torch.is_anomaly_enabled():
        return "anomalies are being detected"
    if not on_device(data.train_set):
        return "the training samples are not on the GPU (data.on_device)"
    if type(data).transform not in (Loaders.transform, ImageDataModule.transform, VectorDataModule.transform):
        return f"{type(data).__name__} has its own transform"
    if len(trainer.optimizers) != 1 or not model.automatic_optimization:
        return "its optimizers are stepped by hand"
    (optimizer,) = trainer.optimizers
    if not isinstance(optimizer, (Adam, AdamW)) or not can_skip_steps(optimizer):
        return f"it takes a fused Adam or AdamW, not {type(optimizer).__name__}"
    return _overridden(model, data) or _looking_inside(trainer, ours)


def looks_ahead(trainer: Trainer, model: StepModule, ours: Sequence[type[Callback]]) -> bool:
    """Whether the model or a callback, not one of ours, may look at a batch before its step."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    others = [callback for callback in callbacks if not isinstance(callback, (*ours, *_BLIND))]
    return _has_own(model, "on_train_batch_start", LightningModule) or any(
        _has_own(callback, "on_train_batch_start", Callback) for callback in others
    )


def _overridden(model: StepModule, data: ClassificationDataModule) -> str | None:
    for name in (*_STEPS, *_TRANSFERS):
        if _has_own(model, name, StepModule):
            return f"{type(model).__name__} has its own {name}"
    for name in _INSIDE:
        if _has_own(model, name, LightningModule):
            return f"{type(model).__name__} looks into the step ({name})"
    for name in (*_TRANSFERS, "on_after_batch_transfer", "train_dataloader", "training_batch"):
        if _has_own(data, name, Loaders):
            return f"{type(data).__name__} has its own {name}"
    return None


def _looking_inside(trainer: Trainer, ours: Sequence[type[Callback]]) -> str | None:
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    for callback in callbacks:
        if isinstance(callback, _REBUILDING):
            return f"{type(callback).__name__} changes how steps are made"
        for name in _INSIDE:
            if _has_own(callback, name, Callback) and not isinstance(callback, tuple(ours)):
                return f"{type(callback).__name__} looks into the step ({name})"
    return None


def _has_own(whose: object, name: str, base: type) -> bool:
    """Whether a method is not the base's, be it of a subclass or set on the object itself."""
    return getattr(getattr(whose, name), "__func__", None) is not getattr(base, name)
