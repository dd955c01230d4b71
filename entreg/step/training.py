"""A training step as a function of tensors that stay where they are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from entreg.data import Batch, ClassificationDataModule
from entreg.step.guard import Guard
from entreg.step.module import StepModule, StepOutput


class Scores(Protocol):
    """What counts the training batches."""

    @property
    def sums(self) -> tuple[Tensor, ...]:
        """What it has counted, where it lies."""
        ...

    def update(self, loss: Tensor, logits: Tensor, target: Tensor) -> None:
        """Add a batch, in place."""
        ...


class TrainingStep:
    """Gather, transform, forward, loss, backward, clipping, optimizer, scores: one call is one step.

    What differs between two steps is read from memory: the ids of the batch, the data module's tables of the epoch, and
    what else the network, the loss and the optimizer keep there. So a call that is captured once can be replayed.

    Args:
        model: the classifier, its network and loss on the device.
        data: samples on the device.
        optimizer: of the classifier.
        guard: over the optimizer and the network.
        scores: of the training batches; ``None`` to count nothing.
        clip: clips the gradients of the network.
        autocast: context of the forward pass.
        ids: of the first batch, ``(N,)`` int64 on the device.
        epoch: of the first batch.

    Attributes:
        output: of the last call, as :meth:`StepModule.training_step` returns it, and the norm of the network's gradient
            before clipping.
        batch: of the last call, gathered and transformed.
    """

    output: StepOutput
    batch: Batch

    def __init__(
        self,
        model: StepModule,
        data: ClassificationDataModule,
        optimizer: Optimizer,
        guard: Guard,
        scores: Scores | None,
        clip: Callable[[], None],
        autocast: Callable[[], AbstractContextManager[object]],
        ids: Tensor,
        epoch: int,
    ) -> None:
        self.model = model
        self.data = data
        self.optimizer = optimizer
        self.guard = guard
        self.scores = scores
        self.clip = clip
        self.autocast = autocast
        self.ids = ids.clone()
        self.epoch = epoch

    def __call__(self) -> None:
        """Do one step on the batch that was placed last."""
        self.guard.remember()
        batch = self.data.training_batch(self.ids, self.epoch)
        with self.autocast():
            logits = self.model(batch.input)
            loss = self.model.loss(logits, batch.target)
        self.guard.check(loss)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.guard.put_back()
        norm = gradient_norm(self.model.net)
        self.clip()
        self.optimizer.step()
        loss, logits = loss.detach(), logits.detach()
        if self.scores is not None:
            self.scores.update(loss, logits, batch.target)
        self.batch = batch
        self.output = {"loss": loss, "value": loss, "logits": logits, "gradient_norm": norm}

    def place(self, ids: Tensor, epoch: int) -> None:
        """Say which batch the next step is for."""
        self.epoch = epoch
        self.data.begin_epoch(epoch)
        self.ids.copy_(ids)


def gradient_norm(net: nn.Module | None) -> Tensor:
    """Euclidean norm of the gradient of all parameters of a network."""
    assert net is not None
    return torch.nn.utils.get_total_norm([p.grad for p in net.parameters() if p.grad is not None])
