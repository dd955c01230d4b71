"""A network and its loss as a LightningModule whose training step can be done as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, TypedDict

import torch
from lightning.pytorch import LightningModule
from lightning.pytorch.core.optimizer import LightningOptimizer
from torch import Tensor, nn
from torch.optim import Optimizer
from typing_extensions import NotRequired

from entreg.data import Batch
from entreg.errors import DataError


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


class StepModule(LightningModule):
    """A network and the loss it is trained with, and each of their steps.

    Args:
        loss: module called with logits ``(N, C)`` and targets, returning a scalar.
        channels_last: memory format of inputs ``(N, C, H, W)``.
        graph: whether the training step may be captured as a CUDA graph.

    Attributes:
        net: the network, once there is one.
        captured: the training step as a whole, where it has been captured.
    """

    def __init__(self, loss: nn.Module, channels_last: bool, graph: bool) -> None:
        super().__init__()
        self.loss = loss
        self.channels_last = channels_last
        self.graph = graph
        self.net: nn.Module | None = None
        self.captured: Replayed | None = None

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
        return {"logits": self(_checked(batch).input)} if dataloader_idx else self._step(batch)

    def predict_step(self, batch: Batch, batch_idx: int) -> Tensor:
        """Return logits in float32."""
        return self(_checked(batch).input).float()

    def _step(self, batch: Batch) -> StepOutput:
        logits = self(_checked(batch).input)
        loss = self.loss(logits, batch.target)
        return {"loss": loss, "value": loss.detach(), "logits": logits.detach()}


def _checked(batch: object) -> Batch:
    """Return what a loader gives, which need not be one of a data module of ours.

    Raises:
        DataError: if it is no batch.
    """
    if not isinstance(batch, Batch):
        size = f" of {len(batch)}" if isinstance(batch, list | tuple) else ""
        raise DataError(
            f"batches are entreg.data.Batch(input, target, id), got a {type(batch).__name__}{size}: let the data set "
            "give Batch(x, y, i) for sample i, which a DataLoader makes batches of"
        )
    return batch


def is_captured(module: LightningModule) -> bool:
    """Whether a module's training step is done as a whole, with no look inside it."""
    return isinstance(module, StepModule) and module.captured is not None
