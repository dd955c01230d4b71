"""What is seen of a training while it runs: a bar on a terminal, lines in a file. Epochs count from 1 in both."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, ClassVar

from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ProgressBar, RichProgressBar
from rich.console import Console
from typing_extensions import override

from entreg.console import print_line


def progress_bar(refresh_rate: int, given: Sequence[Callback] = ()) -> list[ProgressBar]:
    """Return a bar where the output is a terminal, else one that prints lines; none beside the user's own.

    Args:
        refresh_rate: steps between two updates of a bar.
        given: the user's callbacks.
    """
    if any(isinstance(callback, ProgressBar) for callback in given):
        return []
    return [EpochBar(refresh_rate, leave=False) if Console().is_terminal else ProgressLines()]


class EpochBar(RichProgressBar):
    """Lightning's bar, with epochs from 1 and without the version of a logger."""

    @override
    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._begin(trainer)
        self.refresh()

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        if self.train_progress_bar_id is None:  # in a run that goes on in the middle of an epoch
            self._begin(trainer)
        super().on_train_batch_end(trainer, pl_module, outputs, batch, batch_idx)

    @override
    def get_metrics(self, trainer: Trainer, pl_module: LightningModule) -> dict[str, Any]:
        return {name: value for name, value in super().get_metrics(trainer, pl_module).items() if name != "v_num"}

    def _begin(self, trainer: Trainer) -> None:
        if self.progress is None or self.is_disabled:  # as in all processes but the first
            return
        name, total = f"{epoch_of(trainer).capitalize():10}", self.total_train_batches
        if self.train_progress_bar_id is None:
            self.train_progress_bar_id = self.progress.add_task(name, total=total)
        else:
            self.progress.reset(self.train_progress_bar_id, total=total, description=name, visible=True)


class ProgressLines(ProgressBar):
    """A line after each validation, and one whenever there has been none for half a minute.

    Attributes:
        seconds: the longest silence.
    """

    seconds: ClassVar[float] = 30.0

    def __init__(self) -> None:
        super().__init__()
        self._is_enabled = True
        self._said = time.monotonic()

    @override
    def disable(self) -> None:
        self._is_enabled = False

    @override
    def enable(self) -> None:
        self._is_enabled = True

    @override
    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._say_if_silent(f"{epoch_of(trainer)}: batch {batch_idx + 1} of {self.total_train_batches}")

    @override
    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._say_if_silent(f"validation: batch {batch_idx + 1}")

    @override
    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._say_if_silent(f"test: batch {batch_idx + 1}")

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.state.fn == "fit" and not trainer.sanity_checking:
            shown = (f"{name} {float(value):.3f}" for name, value in trainer.progress_bar_metrics.items())
            self._say(f"{epoch_of(trainer)}: {', '.join(shown)}")

    def _say_if_silent(self, text: str) -> None:
        if time.monotonic() - self._said >= self.seconds:
            self._say(text)

    def _say(self, text: str) -> None:
        self._said = time.monotonic()
        if self._is_enabled:
            print_line(text)


def epoch_of(trainer: Trainer) -> str:
    """Say which epoch it is, counted from 1, and of how many, if that is known."""
    number = f"epoch {trainer.current_epoch + 1}"
    return f"{number}/{trainer.max_epochs}" if (trainer.max_epochs or 0) > 0 else number
