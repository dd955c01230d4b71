"""The LightningModule: network, loss, optimizer and schedule. It knows no metric, no data and no particular loss."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Literal, Protocol, TypedDict

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from typing_extensions import NotRequired

from entreg.data import Batch
from entreg.errors import ConfigError, RunError
from entreg.losses import EntropyRegularizedLoss
from entreg.models import VGG5
from entreg.optimizers import fuse
from entreg.preflight import check_loss, check_net, first_mismatch, made, task_of
from entreg.schedules import OneCycle


class StepOutput(TypedDict):
    """What a step hands to the callbacks.

    Attributes:
        loss: what is minimised; Lightning divides it by ``accumulate_grad_batches``.
        value: the loss itself, detached.
        logits: ``(N, C)``, detached.
        gradient_norm: norm of the network's gradient before clipping, of a captured step.
    """

    loss: Tensor
    value: Tensor
    logits: Tensor
    gradient_norm: NotRequired[Tensor]


class Replayed(Protocol):
    """A whole training step as one launch, see :mod:`entreg.step`."""

    def replay(self) -> StepOutput:
        """Do the step: forward, backward, optimizer."""
        ...


class Classifier(LightningModule):
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
        super().__init__()
        self.make_net = net
        self.loss = loss
        self.make_optimizer = optimizer
        self.make_schedule = schedule
        self.schedule_interval = schedule_interval
        self.loss_lr = loss_lr
        self.channels_last = channels_last
        self.compile_net = compile
        self.graph = graph
        self.captured: Replayed | None = None
        self.num_classes = num_classes
        self.in_channels = in_channels
        self.net: nn.Module | None = None

    def configure_model(self) -> None:
        """Build the network, once, for what the data ask for, and try it and the loss."""
        if self.net is not None:
            return
        task = task_of(self, self.num_classes, self.in_channels)
        self.num_classes, self.in_channels = task.num_classes, task.in_channels
        self.net = made("net", self.make_net, task.in_channels, task.num_classes)
        check_net(self.net, task)
        check_loss(self.loss, task)
        if self.channels_last:
            self.net.to(memory_format=torch.channels_last)
        if self.compile_net:
            self.net.compile()

    def forward(self, input: Tensor) -> Tensor:
        """Return logits ``(N, C)`` of normalised inputs ``(N, in_channels, ...)``."""
        assert self.net is not None, "call configure_model() first"
        if (parameter := next(self.net.parameters(), None)) is not None:
            input = input.to(parameter.dtype)  # half or double where the trainer's precision is "true"
        if self.channels_last and input.ndim == 4:
            input = input.contiguous(memory_format=torch.channels_last)
        return self.net(input)

    def training_step(self, batch: Batch, batch_idx: int) -> StepOutput:
        """Return loss and logits of an augmented batch; a captured step does the whole step here."""
        return self._step(batch) if self.captured is None else self.captured.replay()

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """Form the gradients, if that has not been done."""
        if self.captured is None:
            super().backward(loss, *args, **kwargs)

    def optimizer_zero_grad(self, epoch: int, batch_idx: int, optimizer: Optimizer) -> None:
        """Forget the gradients of the last step; a captured step has forgotten them itself."""
        if self.captured is None:
            super().optimizer_zero_grad(epoch, batch_idx, optimizer)

    def optimizer_step(
        self,
        epoch: int,
        batch_idx: int,
        optimizer: Optimizer | LightningOptimizer,
        optimizer_closure: Callable[[], Any] | None = None,
    ) -> None:
        """Update the parameters; a captured step does that in the closure."""
        if self.captured is None:
            super().optimizer_step(epoch, batch_idx, optimizer, optimizer_closure)
        elif optimizer_closure is not None:
            optimizer_closure()

    def validation_step(self, batch: Batch, batch_idx: int) -> StepOutput:
        """Return loss and logits."""
        return self._step(batch)

    def test_step(self, batch: Batch, batch_idx: int, dataloader_idx: int = 0) -> StepOutput | dict[str, Tensor]:
        """Return loss and logits; of the sets after the test set, whose targets may be of other classes, logits."""
        return {"logits": self(batch.input)} if dataloader_idx else self._step(batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return logits in float32."""
        return self(batch.input).float()

    def configure_optimizers(self) -> OptimizerLRScheduler:
        """One optimizer, the network's parameters in its first group and the loss's in its second."""
        assert self.net is not None
        groups: list[dict[str, Any]] = [{"params": list(self.net.parameters())}]
        if loss_parameters := list(self.loss.parameters()):
            groups.append({"params": loss_parameters, "lr": self.loss_lr, "weight_decay": 0.0})
        optimizer = made("optimizer", self.make_optimizer, groups)
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

    def _step(self, batch: Batch) -> StepOutput:
        logits = self(batch.input)
        loss = self.loss(logits, batch.target)
        return {"loss": loss, "value": loss.detach(), "logits": logits.detach()}


def is_captured(module: LightningModule) -> bool:
    """Whether a module's training step is done as a whole, with no look inside it."""
    return isinstance(module, Classifier) and module.captured is not None
