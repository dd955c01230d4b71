"""Checkpoints: the best on validation, the last, and the one before it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import Checkpoint
from typing_extensions import override

from entreg.callbacks.best import BestCheckpoint
from entreg.runs import Run, write_checkpoint

BEST = {"val/acc": "max"} | dict.fromkeys(("val/loss", "val/nll", "val/brier", "val/ece", "val/errors"), "min")
"""Whether the largest or the smallest value of a validation metric is the best."""

LOGGED = (*BEST, "val/entropy", "val/confidence")
"""What every validation in a training logs."""


class AtomicCheckpointIO(TorchCheckpointIO):
    """Write a checkpoint with its digest beside its target, flush it to disk, then replace the target.

    Lightning's own writer passes through the system's temporary folder and does not flush. The ``last.ckpt`` that is
    replaced stays as ``previous.ckpt``.
    """

    @override
    def save_checkpoint(self, checkpoint: dict[str, Any], path: str | Path, storage_options: Any = None) -> None:
        target = Path(path)
        write_checkpoint(target, checkpoint, target.with_stem("previous") if target.stem == "last" else None)


@dataclass(frozen=True)
class CheckpointOptions:
    """When checkpoints are written, which is the best, and which stay.

    Args:
        monitor: validation metric that chooses ``best.ckpt``.
        mode: whether its largest or smallest value is the best.
        every_n_steps: optimizer steps between two ``last.ckpt``, one being written after every validation too; default:
            one is written after the first step or validation that ends 20 seconds or more after the last one.
        keep: checkpoints of a finished run: ``best`` alone, which cannot be trained on, ``last`` besides, or ``all``,
            with the one before it.

    Raises:
        ValueError: if ``every_n_steps`` is out of range, or ``mode`` the wrong way round.
    """

    monitor: str = "val/acc"
    mode: Literal["max", "min"] = "max"
    every_n_steps: int | None = None
    keep: Literal["best", "last", "all"] = "last"

    def __post_init__(self) -> None:
        if (best := BEST.get(self.monitor, self.mode)) != self.mode:
            extreme = "smallest" if best == "min" else "largest"
            raise ValueError(
                f"checkpoint.monitor {self.monitor} is best where it is {extreme}: set checkpoint.mode {best}"
            )
        if self.every_n_steps is not None and self.every_n_steps < 1:
            raise ValueError(f"checkpoint.every_n_steps is a number >= 1, got {self.every_n_steps}")


class LastCheckpoint(Checkpoint):
    """Keep ``last.ckpt`` for resuming: every n steps and after every validation, or every 20 seconds.

    Two hooks are avoided on purpose, as a run resumed from there would not be the same: the end of a batch after
    which validation is due (Lightning would skip it), and the end of a training epoch (its hooks and rows would be
    lost). The checkpoint after validation covers both.

    Args:
        run: run folder.
        every_n_steps: optimizer steps between two checkpoints; ``None``: as many as fit into :attr:`seconds`.
        check: what is called before each; it raises where the folder has become another process's.

    Attributes:
        saved_at: step of the last one.
        soon: whether the training is to stop, and not to wait for the seconds to pass.
    """

    seconds: ClassVar[float] = 20.0
    asks_every: ClassVar[int] = 50  # steps, of several processes, which have to agree on what the time is

    def __init__(self, run: Run, every_n_steps: int | None = None, check: Callable[[], None] = lambda: None) -> None:
        self.path = run.checkpoint("last")
        self.every_n_steps = every_n_steps
        self.check = check
        self.saved_at = 0
        self.soon = False
        self._saved_when = time.monotonic()
        self._accumulating = False

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save if it is time and validation does not follow."""
        self._accumulating = (batch_idx + 1) % trainer.accumulate_grad_batches > 0 and not trainer.is_last_batch
        if trainer.global_step <= self.saved_at or validation_follows(trainer, batch_idx):
            return
        if self._accumulating:
            due = False
        elif self.every_n_steps is not None:
            due = trainer.global_step % self.every_n_steps == 0
        elif trainer.world_size > 1 and trainer.global_step % self.asks_every:
            due = False
        else:
            due = self._is_time(trainer)
        if due:
            self.save(trainer)

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save after a validation that belongs to training, unless gradients are being summed, which are not saved."""
        if trainer.state.fn != "fit" or trainer.sanity_checking or self._accumulating:
            return
        if self.every_n_steps is not None or self._is_time(trainer):
            self.save(trainer)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save at the end where no validation did, and after ``max_steps``, with the rows of the last epoch.

        Lightning does not go through the end of an epoch again when such a run is started again.
        """
        if trainer.global_step > self.saved_at or 0 < trainer.max_steps <= trainer.global_step:
            self.save(trainer)

    def state_dict(self) -> dict[str, Any]:
        """Step of this checkpoint."""
        return {"saved_at": self.saved_at}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore it."""
        self.saved_at = state_dict["saved_at"]

    def save(self, trainer: Trainer) -> None:
        """Write ``last.ckpt``; all processes take part."""
        self.check()
        self.saved_at = trainer.global_step
        trainer.save_checkpoint(self.path)
        self._saved_when = time.monotonic()

    def _is_time(self, trainer: Trainer) -> bool:
        """Whether the seconds have passed for any of the processes."""
        passed = self.soon or time.monotonic() - self._saved_when >= self.seconds
        return trainer.strategy.reduce_boolean_decision(passed, all=False) if trainer.world_size > 1 else passed


def checkpoints(
    run: Run, options: CheckpointOptions, check: Callable[[], None]
) -> tuple[BestCheckpoint, LastCheckpoint]:
    """Callbacks that keep ``best.ckpt`` (weights only, by a validation metric) and ``last.ckpt`` (to resume from)."""
    best = BestCheckpoint(run, options.monitor, options.mode, check)
    return best, LastCheckpoint(run, options.every_n_steps, check)


def drop_checkpoints(run: Run, keep: str) -> None:
    """Remove the checkpoints of a finished run that are not to stay, see :class:`CheckpointOptions`."""
    if keep != "all":
        run.checkpoint("previous").unlink(missing_ok=True)
    if keep == "best" and run.checkpoint("best").is_file():  # there is none if it was never validated
        run.checkpoint("last").unlink(missing_ok=True)


def validation_follows(trainer: Trainer, batch_idx: int) -> bool:
    """Whether validation may run after this batch: at the end of an epoch, or at ``val_check_interval``."""
    if batch_idx + 1 == trainer.num_training_batches:
        return True
    interval = trainer.val_check_batch
    if not interval or interval == float("inf"):
        return False
    batches = batch_idx if trainer.check_val_every_n_epoch is not None else trainer.fit_loop.total_batch_idx
    return (batches + 1) % int(interval) == 0
