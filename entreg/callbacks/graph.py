"""The training step as one CUDA graph, where it can be one."""

from __future__ import annotations

from typing import ClassVar

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from entreg.callbacks.finite import StopOnNonFinite
from entreg.callbacks.metrics import ClassificationMetrics
from entreg.callbacks.observe import ObserveLoss
from entreg.callbacks.progress import LossProgress
from entreg.callbacks.reseed import Reseed
from entreg.callbacks.stop import StopOnSignal
from entreg.callbacks.throughput import Throughput
from entreg.callbacks.together import Together
from entreg.console import print_line
from entreg.data import Batch
from entreg.data.attached import datamodule_of
from entreg.step import CapturedStep, Guard, NotCapturable, StepModule, TrainingStep, capture, looks_ahead, obstacle

_KNOW_OF_IT = (StopOnNonFinite, ObserveLoss, Together, Throughput, StopOnSignal, LossProgress, Reseed)
_MOST_CAPTURES = 5  # of one training: a step whose constants change more often is none


class StepGraph(Callback):
    """Capture the training step of a :class:`StepModule` on a GPU at its first batch, and again where it has changed.

    The first batch comes after a checkpoint has been restored, and after all that callbacks do before training. What
    cannot be captured runs operation by operation, and a line says why.

    Callbacks see the same as without a graph, with two exceptions. What ``on_train_batch_end`` is given (loss, logits,
    inputs, targets) is overwritten by the next step: clone what you keep. And a change that ``on_train_batch_start``
    makes to the batch is not seen by the step, which gathers its samples itself.

    Args:
        finite: whose guard a captured step obeys.

    Attributes:
        devices: on which steps are captured.
    """

    devices: ClassVar[tuple[str, ...]] = ("cuda",)

    def __init__(self, finite: StopOnNonFinite) -> None:
        self.finite = finite
        self._model: StepModule | None = None  # None where its step is not to be captured
        self._captured: CapturedStep | None = None
        self._captures = 0
        self._look = True  # thoroughly at the next batch

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """See whether there is anything to do."""
        self._captured, self._captures, self._look = None, 0, True
        self._model = None
        if isinstance(pl_module, StepModule) and pl_module.graph and trainer.strategy.root_device.type in self.devices:
            self._model = pl_module
            reason = obstacle(trainer, self._model, datamodule_of(trainer), _KNOW_OF_IT)
            if reason is not None:
                self._give_up(trainer, reason)

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Look thoroughly at the next batch."""
        self._look = True

    def on_validation_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Likewise."""
        self._look = True

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Batch, batch_idx: int) -> None:
        """Capture, if there is no step that is still right."""
        thoroughly, self._look = self._look, False
        if self._captured is not None and not self._captured.is_current(thoroughly):
            self._captured.fill()
            self._release(trainer)
        if self._model is not None and self._captured is None:
            self._capture(trainer, self._model, batch.id)

    def on_train_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Let go of the step."""
        self._release(trainer)

    def on_exception(self, trainer: Trainer, pl_module: LightningModule, exception: BaseException) -> None:
        """Likewise: the model may be trained again."""
        self._release(trainer)

    def _capture(self, trainer: Trainer, model: StepModule, ids: Tensor) -> None:
        guard = self.finite.guard
        self._captures += 1
        if self._captures > _MOST_CAPTURES:
            self._give_up(trainer, "the options of the optimizer, or modules, change again and again")
        elif guard is None:
            self._give_up(trainer, "every step waits for its loss")
        else:
            try:
                self._captured = capture(_step(trainer, model, guard, ids))
            except NotCapturable as error:
                self._give_up(trainer, str(error))
                return
            self._captured.shows_ahead = looks_ahead(trainer, model, _KNOW_OF_IT)
            self._captured.place(ids, trainer.current_epoch)
            model.captured = datamodule_of(trainer).step = self._captured

    def _release(self, trainer: Trainer) -> None:
        self._captured = None
        if self._model is not None:
            self._model.captured = datamodule_of(trainer).step = None

    def _give_up(self, trainer: Trainer, reason: str) -> None:
        self._model = None
        if trainer.is_global_zero:
            print_line(f"training runs without a CUDA graph: {reason}")


def _step(trainer: Trainer, model: StepModule, guard: Guard, ids: Tensor) -> TrainingStep:
    """Return the step of this training as a function."""
    callbacks: list[Callback] = trainer.callbacks  # type: ignore[attr-defined]
    scores = [callback.training for callback in callbacks if isinstance(callback, ClassificationMetrics)]
    (optimizer,) = trainer.optimizers

    def clip() -> None:
        model.configure_gradient_clipping(optimizer, trainer.gradient_clip_val, trainer.gradient_clip_algorithm)

    return TrainingStep(
        model=model,
        data=datamodule_of(trainer),
        optimizer=optimizer,
        guard=guard,
        scores=scores[0] if scores else None,
        clip=clip,
        autocast=trainer.precision_plugin.train_step_context,
        ids=ids,
        epoch=trainer.current_epoch,
    )
