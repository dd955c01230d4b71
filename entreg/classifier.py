"""The LightningModule: network, loss, optimizer, schedule, and the callbacks it cannot be trained without."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal

import torch
from lightning.pytorch import Callback
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from entreg.callbacks import ClassificationMetrics, LossProgress, unfolded
from entreg.errors import ConfigError, RunError
from entreg.losses import EntropyRegularizedLoss
from entreg.models import VGG5
from entreg.optimizers import fuse
from entreg.preflight import check_loss, check_net, first_mismatch, made, task_of
from entreg.restore import Restorable
from entreg.schedules import OneCycle
from entreg.step import StepModule


class Classifier(Restorable, StepModule):
    """A classifier: a network, the loss it is trained with, and how.

    Args:
        loss: module called with logits ``(N, C)`` and class indices ``(N,)``, returning a scalar.
        net: makes the network from ``(in_channels, num_classes)``, which the data decide.
        optimizer: makes the optimizer from parameter groups.
        schedule: makes the learning-rate schedule from the optimizer and the number of intervals in training; it
            should multiply each group's own rate. ``null`` for constant rates.
        schedule_interval: whether the schedule moves every ``"step"`` or every ``"epoch"``.
        loss_lr: learning rate of the loss's own parameters, which get no weight decay and no gradient clipping.
            Gradient descent shrinks every coefficient of a loss, so keep it at 1e-4 or less.
        channels_last: memory format of the network and of inputs ``(N, C, H, W)``.
        compile: compile the network with ``torch.compile``.
        graph: on one GPU that holds the training samples, capture the training step as a CUDA graph; what cannot be
            captured runs as it would without, and says why.
        num_classes: checked against the data where given; needed only without data.
        in_channels: size of an input's first dimension, likewise.
    """

    def __init__(
        self,
        loss: EntropyRegularizedLoss | nn.Module,
        net: Callable[[int, int], nn.Module] = VGG5,
        optimizer: Callable[[Iterable[Any]], Optimizer] = lambda params: torch.optim.AdamW(
            params, lr=2e-3, weight_decay=0.05
        ),
        schedule: Callable[[Optimizer, int], LRScheduler] | None = OneCycle,
        schedule_interval: Literal["step", "epoch"] = "step",
        loss_lr: float = 1e-4,
        channels_last: bool = True,
        compile: bool = False,
        graph: bool = True,
        num_classes: int | None = None,
        in_channels: int | None = None,
    ) -> None:
        super().__init__(loss, channels_last, graph)
        self.make_net = net
        self.make_optimizer = optimizer
        self.make_schedule = schedule
        self.schedule_interval = schedule_interval
        self.loss_lr = loss_lr
        self.compile_net = compile
        self.num_classes = num_classes
        self.in_channels = in_channels

    def configure_model(self) -> None:
        """Build the network, once, for what the data ask for, and try it and the loss."""
        if self.net is not None:
            return
        task = task_of(self, self.num_classes, self.in_channels)
        self.num_classes, self.in_channels = task.num_classes, task.in_channels
        self.net = made("net", self.make_net, task.in_channels, task.num_classes)
        check_net(self.net, task)
        check_loss(self.loss, task)
        if self.channels_last and all(parameter.ndim < 5 for parameter in self.net.parameters()):
            self.net.to(memory_format=torch.channels_last)
        if self.compile_net:
            self.net.compile()

    def configure_callbacks(self) -> list[Callback]:
        """Bring what the trainer lacks: the scores of each epoch, and the clock of scheduled losses."""
        present = unfolded(self.trainer.callbacks)  # type: ignore[attr-defined]
        needed = (ClassificationMetrics, LossProgress)
        return [kind() for kind in needed if not any(isinstance(callback, kind) for callback in present)]

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """One optimizer, the network's parameters in its first group and the loss's in its second.

        Raises:
            ConfigError: if optimizer or schedule cannot be made, or a schedule does not know when training ends.
        """
        assert self.net is not None
        groups: list[dict[str, Any]] = [{"params": list(self.net.parameters())}]
        if loss_parameters := list(self.loss.parameters()):
            groups.append({"params": loss_parameters, "lr": self.loss_lr, "weight_decay": 0.0})
        optimizer = made("optimizer", self.make_optimizer, groups)
        scaled = getattr(self.trainer.precision_plugin, "scaler", None) is not None
        if scaled and self.trainer.gradient_clip_val and optimizer.defaults.get("fused"):
            raise ConfigError(
                "trainer.gradient_clip_val: with precision 16-mixed an optimizer with fused true is given scaled "
                "gradients, which cannot be clipped; leave fused out, or take precision bf16-mixed"
            )
        if not any(getattr(module, "sparse", False) for module in self.net.modules()):  # as an embedding can be
            fuse(optimizer, self.device)
        if self.make_schedule is None:
            return optimizer
        steps = self.trainer.estimated_stepping_batches
        if math.isinf(steps):
            raise ConfigError("a schedule needs to know when training ends: set trainer.max_epochs")
        epochs = self.trainer.max_epochs or 0
        if self.schedule_interval == "epoch" and epochs < 1:
            raise ConfigError("a schedule that moves every epoch needs to know their number: set trainer.max_epochs")
        total = int(steps) if self.schedule_interval == "step" else epochs
        schedule = made("schedule", self.make_schedule, optimizer, total)
        return {
            "optimizer": optimizer,
            "lr_scheduler": {"scheduler": schedule, "interval": self.schedule_interval},
        }

    def configure_gradient_clipping(
        self,
        optimizer: Optimizer,
        gradient_clip_val: float | None = None,
        gradient_clip_algorithm: str | None = None,
    ) -> None:
        """Clip the network's gradients only: a coefficient's gradient is the size of its term, not a defect."""
        if not gradient_clip_val or self.net is None:
            return
        if gradient_clip_algorithm == "value":
            nn.utils.clip_grad_value_(self.net.parameters(), gradient_clip_val)
        else:
            nn.utils.clip_grad_norm_(self.net.parameters(), gradient_clip_val)

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint of another network or loss in one line, before anything is loaded."""
        mismatch = first_mismatch(self.state_dict(), checkpoint["state_dict"])
        if mismatch:
            raise RunError(
                f"the checkpoint does not fit net {type(self.net).__name__} ({self.num_classes} classes, "
                f"{self.in_channels} channels) and loss {type(self.loss).__name__}: {mismatch}; "
                "load it with the config it was trained with (--run DIR)"
            )
