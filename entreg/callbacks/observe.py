"""Loss terms, weights, bases, coefficients and learning rates in the course of training."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_warn
from torch import Tensor
from torch.optim import Optimizer

from entreg.data import Batch
from entreg.losses import collapses
from entreg.step import Late, gradient_norm


@runtime_checkable
class Observable(Protocol):
    """A loss that can say what it is made of."""

    def observed(self, logits: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return scalars by name: means of terms, and anything learnt."""
        ...


class _Row(NamedTuple):
    """What is to be logged of a step once its values have arrived."""

    step: int
    names: list[str]
    values: Late
    rates: dict[str, float]
    learns: bool
    loggers: list[Logger]


class ObserveLoss(Callback):
    """Log ``loss/...``, ``lr/...`` and ``grad/net`` every n optimizer steps; in between nothing is computed.

    Terms are those of the step's batch (of the first process), coefficients those after its update; ``grad/net`` is the
    norm of the network's gradient before it is clipped.

    The values are sent to the CPU without waiting for them, and go to the loggers after the next step. They do not pass
    through ``self.log``: Lightning would write them after the checkpoint of the same step, and a resumed run would miss
    the row. So this callback stands before those that write checkpoints and note how long the log is.

    Args:
        every_n_steps: distance of two rows.
        collapse: share of a coefficient's start that counts as nothing; each way in which learnt coefficients
            collapse is reported once, see :func:`entreg.losses.collapses`.

    Raises:
        ValueError: if a number is out of range.
    """

    def __init__(self, every_n_steps: int = 50, collapse: float = 0.05) -> None:
        if every_n_steps < 1:
            raise ValueError(f"observe.every_n_steps is a number >= 1, got {every_n_steps}")
        self.every_n_steps = every_n_steps
        self.collapse = collapse
        self.start: dict[str, float] = {}
        self.reported: list[str] = []
        self._rates: list[float] = []
        self._norm: Tensor | None = None
        self._row: _Row | None = None

    def state_dict(self) -> dict[str, Any]:
        """Start values of weights and bases, and the collapses that have been reported, once the last row is logged."""
        self._log()
        return {"start": dict(self.start), "reported": list(self.reported)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore both."""
        self.start, self.reported = state_dict["start"], state_dict["reported"]

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Note the rates of this step; at its end the schedule has moved on."""
        self._rates = [group["lr"] for group in trainer.optimizers[0].param_groups]

    def on_before_optimizer_step(self, trainer: Trainer, pl_module: LightningModule, optimizer: Optimizer) -> None:
        """Note the gradient's norm, if it is time."""
        if trainer.global_step % self.every_n_steps == 0:
            self._norm = gradient_norm(pl_module.get_submodule("net"))

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Batch, batch_idx: int
    ) -> None:
        """Log the row of the step before, and compute this one's if it is time."""
        self._log()
        step = trainer.global_step - 1  # as Lightning counts: the row of the first step is 0
        accumulating = (batch_idx + 1) % trainer.accumulate_grad_batches and not trainer.is_last_batch
        if step % self.every_n_steps or accumulating:
            return
        loss = pl_module.get_submodule("loss")
        values = {"loss/train": outputs["value"]}
        if isinstance(loss, Observable):
            values |= {f"loss/{name}": value for name, value in loss.observed(outputs["logits"], batch.target).items()}
        norm, self._norm = outputs.get("gradient_norm", self._norm), None
        if norm is not None:
            values["grad/net"] = norm
        device = outputs["value"].device
        scalars = [torch.as_tensor(value, dtype=torch.float32, device=device) for value in values.values()]
        rates = {f"lr/{name}": rate for name, rate in zip(("net", "loss"), self._rates, strict=False)}
        learns = any(parameter.requires_grad for parameter in loss.parameters())
        self._row = _Row(step, list(values), Late(torch.stack(scalars)), rates, learns, trainer.loggers)

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log what has been computed."""
        self._log()

    def on_train_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Likewise."""
        self._log()

    def _log(self) -> None:
        row, self._row = self._row, None
        if row is None:
            return
        observed = dict(zip(row.names, row.values.read(), strict=True))
        if row.learns:
            self._report_collapses({name.removeprefix("loss/"): number for name, number in observed.items()})
        for logger in row.loggers:
            logger.log_metrics(observed | row.rates, step=row.step)

    def _report_collapses(self, observed: dict[str, float]) -> None:
        known = {name: value for name, value in observed.items() if name.startswith(("weight/", "base/"))}
        self.start = self.start or known
        for kind, sentence in collapses(self.start, known, self.collapse).items():
            if kind not in self.reported:
                self.reported.append(kind)
                rank_zero_warn(
                    f"the loss is collapsing: {sentence}; lower model.loss_lr, or fix what is learnt "
                    "(model.loss.constraint fixed, model.loss.learn_bases false)"
                )
