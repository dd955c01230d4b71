"""A loss that is not a number ends the training while there is something left to look at."""

from __future__ import annotations

import math
from typing import Any, NamedTuple, NoReturn

import lightning
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from entreg.console import print_line
from entreg.data import Batch
from entreg.data.attached import datamodule_of
from entreg.errors import RunError
from entreg.losses import coefficients_of
from entreg.optimizers import can_skip_steps
from entreg.runs import Run, write_checkpoint
from entreg.step import Guard, Late, is_captured

_HALF = "In trainer.precision 16-true small numbers become 0 and large ones infinite: take 16-mixed or bf16-mixed. "


class StopOnNonFinite(Callback):
    """Stop before a loss that is NaN or infinite reaches the weights; keep what is needed to see why.

    In one process and with a fused optimizer nothing waits for the loss: a :class:`Guard` lets nothing change from such
    a step on, and the training stops one step later. Else the loss of every step is looked at before its backward pass.

    ``checkpoints/post-mortem.ckpt`` holds the weights from before the step (of several processes, or with an optimizer
    that cannot skip a step, BatchNorm's running statistics have seen the batch), the optimizer and the batch (``id``,
    ``input`` as the network saw it, ``target``). It is written by the process whose share of the batch it was.

    Args:
        run: run folder; ``None`` to keep nothing.

    Attributes:
        guard: of this training, if there is one.
    """

    def __init__(self, run: Run | None) -> None:
        self.run = run
        self.guard: Guard | None = None
        self._batch: Batch | None = None
        self._step = 0
        self._noted: _Noted | None = None
        self._loss: Late | None = None

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Put up the guard, if there can be one."""
        self.guard = self._noted = self._loss = None
        if len(trainer.optimizers) != 1 or not pl_module.automatic_optimization:
            return  # each is stepped by hand, and each loss looked at
        (optimizer,) = trainer.optimizers
        reason = None
        if trainer.world_size > 1:
            reason = f"{trainer.world_size} processes train together"
        elif getattr(trainer.precision_plugin, "scaler", None) is not None:
            reason = f"precision {trainer.precision} scales gradients"
        elif not can_skip_steps(optimizer):
            reason = f"{type(optimizer).__name__} cannot skip a step"
        if reason is None:
            self.guard = Guard(pl_module.get_submodule("net"), optimizer, trainer.strategy.root_device)
        elif pl_module.device.type == "cuda" and trainer.is_global_zero:
            print_line(f"every step waits for its loss, to stop if it is not finite: {reason}")

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Batch, batch_idx: int) -> None:
        """Note the batch, and what its forward pass changes."""
        self._batch, self._step = batch, trainer.global_step
        if self.guard is not None and not is_captured(pl_module):
            self.guard.remember()

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Look at its loss, or let the guard do it; the guard of a captured step has."""
        if self.guard is None:
            if not torch.isfinite(loss):
                assert self._batch is not None
                noted = _Noted(self._batch, trainer.global_step, trainer.current_epoch)
                self._stop(trainer, pl_module, noted, loss.item())
        elif not is_captured(pl_module):
            self.guard.check(loss)

    def on_after_backward(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let the guard put back what the forward pass has spoilt, if it has."""
        if self.guard is not None and not is_captured(pl_module):
            self.guard.put_back()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Stop if the loss of the step before was not finite, and note this one's."""
        if self.guard is not None:
            self._read(trainer, pl_module)
            self._noted = _Noted(batch, self._step, trainer.current_epoch)
            self._loss = Late(outputs["value"])

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Read what has been noted."""
        self._read(trainer, pl_module)

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Likewise."""
        self._read(trainer, pl_module)

    def on_save_checkpoint(self, trainer: Trainer, pl_module: LightningModule, checkpoint: dict[str, Any]) -> None:
        """Likewise."""
        self._read(trainer, pl_module)

    def _read(self, trainer: Trainer, pl_module: LightningModule) -> None:
        noted, self._noted = self._noted, None
        if noted is None or self._loss is None:
            return
        loss = self._loss.read()
        if not math.isfinite(loss):
            if is_captured(pl_module):  # the inputs have been overwritten
                data = datamodule_of(trainer)
                noted = noted._replace(batch=data.training_batch(noted.batch.id, noted.epoch))
            self._stop(trainer, pl_module, noted, loss)

    def _stop(self, trainer: Trainer, pl_module: LightningModule, noted: _Noted, loss: float) -> NoReturn:
        ids = ", ".join(map(str, noted.batch.id.tolist()))
        half = _HALF if trainer.precision == "16-true" else ""
        where = "" if self.run is None else f" Weights and batch: {self._keep(trainer, pl_module, noted)}."
        raise RunError(
            f"the loss is {loss} at step {noted.step} (epoch {noted.epoch + 1}).{where} "
            f"{_coefficients(pl_module)}{half}Lower model.optimizer.lr or model.loss_lr, or clip the gradient "
            f"(trainer.gradient_clip_val). Sample ids of the batch: {ids}"
        )

    def _keep(self, trainer: Trainer, pl_module: LightningModule, noted: _Noted) -> str:
        assert self.run is not None
        path = self.run.checkpoint("post-mortem")
        content = {
            "state_dict": pl_module.state_dict(),
            "optimizer_states": [optimizer.state_dict() for optimizer in trainer.optimizers],
            "epoch": noted.epoch,
            "global_step": noted.step,
            "batch": noted.batch._asdict(),
            "pytorch-lightning_version": lightning.__version__,
        }
        write_checkpoint(path, content)
        return str(path)


class _Noted(NamedTuple):
    """A batch, the number of its step and its epoch."""

    batch: Batch
    step: int
    epoch: int


def _coefficients(pl_module: LightningModule) -> str:
    values = coefficients_of(pl_module.get_submodule("loss"))
    listed = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
    return f"Coefficients: {listed}. " if listed else ""
