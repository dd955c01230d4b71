"""Loss terms, weights, bases, coefficients and learning rates in the course of training."""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor

from entreg.data import Batch


@runtime_checkable
class Observable(Protocol):
    """A loss that can say what it is made of."""

    def observed(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return scalars by name: means of terms, and anything learnt."""
        ...


class ObserveLoss(Callback):
    """Log ``loss/...`` and ``lr/...`` every n optimizer steps; nothing is computed or synchronised in between.

    Terms are those of the step's batch (of the first process), coefficients those after its update.

    The values go to the loggers at once rather than through ``self.log``: Lightning would write them after the
    checkpoint of the same step, and a resumed run would miss the row.

    Args:
        every_n_steps: distance of two rows.
        collapse: warn once when all learnt coefficients have fallen below this share of their start values.
    """

    def __init__(self, every_n_steps: int = 50, collapse: float = 0.05) -> None:
        self.every_n_steps = every_n_steps
        self.collapse = collapse
        self.start: dict[str, float] = {}
        self.warned = False
        self._rates: list[float] = []

    def state_dict(self) -> dict[str, Any]:
        """Start values of the coefficients, and whether the collapse has been reported."""
        return {"start": dict(self.start), "warned": self.warned}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore both."""
        self.start, self.warned = state_dict["start"], state_dict["warned"]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Note the rates of this step; at its end the schedule has moved on."""
        self._rates = [group["lr"] for group in trainer.optimizers[0].param_groups]

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Log if it is time."""
        step = trainer.global_step - 1  # as Lightning counts: the row of the first step is 0
        accumulating = (batch_idx + 1) % trainer.accumulate_grad_batches and not trainer.is_last_batch
        if step % self.every_n_steps or accumulating:
            return
        loss = pl_module.get_submodule("loss")
        values = {"train": outputs["value"]}
        if isinstance(loss, Observable):
            values |= loss.observed(outputs["logits"], batch.target)
        numbers = torch.stack([value.float() for value in values.values()]).tolist()  # one synchronisation for all
        row = {f"loss/{name}": number for name, number in zip(values, numbers, strict=True)}
        if any(parameter.requires_grad for parameter in loss.parameters()):
            self._report_collapse({name: value for name, value in row.items() if "/coefficient/" in name})
        row |= {f"lr/{name}": rate for name, rate in zip(("net", "loss"), self._rates, strict=False)}
        for logger in trainer.loggers:
            logger.log_metrics(row, step=step)

    def _report_collapse(self, coefficients: dict[str, float]) -> None:
        if not coefficients or self.warned:
            return
        self.start = self.start or coefficients
        if all(value < self.collapse * self.start[name] for name, value in coefficients.items()):
            self.warned = True
            rank_zero_warn(
                f"the loss is collapsing: all its coefficients fell below {self.collapse:.0%} of their start "
                f"({', '.join(f'{name} {value:.3g}' for name, value in coefficients.items())}); "
                "lower model.loss_lr or set the loss's constraint to fixed and learn_bases to false"
            )
