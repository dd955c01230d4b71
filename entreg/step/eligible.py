"""Why a training step cannot be captured as a CUDA graph."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch.optim import Adam, AdamW

from entreg.classifier import Classifier
from entreg.data import ClassificationDataModule, ImageDataModule
from entreg.data.device import on_device
from entreg.data.loaders import Loaders
from entreg.optimizers import can_skip_steps

_INSIDE = ("on_before_zero_grad", "on_before_backward", "on_after_backward", "on_before_optimizer_step")
_STEPS = ("training_step", "backward", "optimizer_step", "optimizer_zero_grad")
_TRANSFERS = ("on_before_batch_transfer", "transfer_batch_to_device")


def obstacle(
    trainer: Trainer, model: Classifier, data: ClassificationDataModule, ours: Sequence[type[Callback]]
) -> str | None:
    """Say in words what keeps the step of a training from being captured; ``None``: nothing that is known beforehand.

    Args:
        trainer: about to train.
        model: attached to it.
        data: likewise.
        ours: callbacks that know of captured steps.
    """
    if trainer.world_size > 1:
        return f"{trainer.world_size} processes train together"
    if trainer.accumulate_grad_batches > 1:
        return "gradients are accumulated"
    if getattr(trainer.precision_plugin, "scaler", None) is not None:
        return f"precision {trainer.precision} scales gradients"
    if torch.is_anomaly_enabled():
        return "anomalies are being detected"
    if not on_device(data.train_set):
        return "the training samples are not on the GPU (data.on_device)"
    if type(data).transform not in (Loaders.transform, ImageDataModule.transform):
        return f"{type(data).__name__} has its own transform"
    (optimizer,) = trainer.optimizers
    if not isinstance(optimizer, (Adam, AdamW)) or not can_skip_steps(optimizer):
        return f"it takes a fused Adam or AdamW, not {type(optimizer).__name__}"
    return _overridden(model, data) or _looking_inside(trainer, ours)


def _overridden(model: Classifier, data: ClassificationDataModule) -> str | None:
    for name in (*_STEPS, *_TRANSFERS):
        if getattr(type(model), name) is not getattr(Classifier, name):
            return f"{type(model).__name__} has its own {name}"
    for name in _INSIDE:
        if getattr(type(model), name) is not getattr(LightningModule, name):
            return f"{type(model).__name__} looks into the step ({name})"
    for name in (*_TRANSFERS, "on_after_batch_transfer"):
        if getattr(type(data), name) is not getattr(Loaders, name):
            return f"{type(data).__name__} has its own {name}"
    return None


def _looking_inside(trainer: Trainer, ours: Sequence[type[Callback]]) -> str | None:
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        for name in _INSIDE:
            if getattr(type(callback), name) is not getattr(Callback, name) and not isinstance(callback, tuple(ours)):
                return f"{type(callback).__name__} looks into the step ({name})"
    return None
