"""A loss that is not a number ends the training while there is something left to look at."""

from __future__ import annotations

import lightning
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from entreg.data import Batch
from entreg.errors import RunError
from entreg.losses import coefficients_of
from entreg.runs import Run, atomic_path


class StopOnNonFinite(Callback):
    """Stop before a loss that is NaN or infinite reaches the weights; keep what is needed to see why.

    ``checkpoints/post-mortem.ckpt`` holds the weights, which are still the good ones (the running statistics of a
    BatchNorm have seen the batch), the optimizer and the batch (``id``, ``input`` as the network saw it, ``target``).
    It is written by the process whose share of the batch it was, without the others. Looking at the loss of every
    step costs a synchronisation on a GPU.

    Args:
        run: run folder; ``None`` to keep nothing.
    """

    def __init__(self, run: Run | None) -> None:
        self.run = run
        self._batch: Batch | None = None

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Batch, batch_idx: int) -> None:
        """Note the batch."""
        self._batch = batch

    def on_before_backward(self, trainer: Trainer, pl_module: LightningModule, loss: Tensor) -> None:
        """Look at its loss."""
        if torch.isfinite(loss):
            return
        assert self._batch is not None
        ids = ", ".join(map(str, self._batch.id.tolist()))
        where = "" if self.run is None else f" Weights and batch: {self._keep(trainer, pl_module, self._batch)}."
        raise RunError(
            f"the loss is {loss.item()} at step {trainer.global_step} (epoch {trainer.current_epoch}).{where} "
            f"{_coefficients(pl_module)}Lower model.optimizer.lr or model.loss_lr, or clip the gradient "
            f"(trainer.gradient_clip_val). Sample ids of the batch: {ids}"
        )

    def _keep(self, trainer: Trainer, pl_module: LightningModule, batch: Batch) -> str:
        assert self.run is not None
        path = self.run.checkpoint("post-mortem")
        content = {
            "state_dict": pl_module.state_dict(),
            "optimizer_states": [optimizer.state_dict() for optimizer in trainer.optimizers],
            "epoch": trainer.current_epoch,
            "global_step": trainer.global_step,
            "batch": batch._asdict(),
            "pytorch-lightning_version": lightning.__version__,
        }
        with atomic_path(path) as part:
            torch.save(content, part)
        return str(path)


def _coefficients(pl_module: LightningModule) -> str:
    values = coefficients_of(pl_module.get_submodule("loss"))
    listed = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
    return f"Coefficients: {listed}. " if listed else ""
