"""The checkpoint that validation chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor
from typing_extensions import override

from entreg.runs import Run, step_of


class BestCheckpoint(ModelCheckpoint):
    """Keep ``best.ckpt``, weights only, by a validation metric, also in a run folder that has moved.

    The weights are those that were validated. A callback may have put others in their place for as long as that took,
    as Lightning's ``WeightAveraging`` does with its average.

    Args:
        run: run folder.
        monitor: validation metric.
        mode: ``"max"`` or ``"min"``.
        check: what is called before it is written; it raises where the folder has become another process's.
    """

    def __init__(self, run: Run, monitor: str, mode: str, check: Callable[[], None] = lambda: None) -> None:
        self.run = run
        self.check = check
        super().__init__(
            dirpath=run.checkpoint("best").parent,
            filename="best",
            monitor=monitor,
            mode=mode,
            save_top_k=1,
            save_weights_only=True,
            enable_version_counter=False,
            save_on_train_epoch_end=False,
        )
        self.path = str(run.checkpoint("best").absolute())
        self._validated: dict[str, Tensor] = {}
        self._step: int | None = None

    @override
    def state_dict(self) -> dict[str, Any]:
        """Scores, and the step of the best checkpoint."""
        return {**super().state_dict(), "step": self._step}

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore scores; Lightning would forget them with the folder's old place.

        The file may be newer than this state, as after a power cut. Training may not come by the same weights again, so
        it has no score then, and the next validation replaces it.

        Raises:
            RunError: if the checkpoint that has the best score is lost or damaged.
        """
        score, self._step = state_dict["best_model_score"], state_dict.get("step")
        if score is not None:
            best = self.run.kept_best()
            if self._step is not None and step_of(best) != self._step:  # older states say nothing of it
                score = None
        scores = {} if score is None else {self.path: score}
        here = {"best_model_path": self.path, "kth_best_model_path": self.path, "best_k_models": scores}
        super().load_state_dict({**state_dict, **here, "best_model_score": score, "dirpath": self.dirpath})

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
        """Note the weights that are being validated."""
        if batch_idx == 0 and trainer.state.fn == "fit":
            self._validated = _copied(pl_module)

    @override
    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Save them if they are the best so far."""
        if trainer.state.fn == "fit":
            self.check()
        weights, validated, self._validated = pl_module.state_dict(), self._validated, {}
        if all(value.equal(weights[name]) for name, value in validated.items()):
            self._save_if_best(trainer, pl_module)
            return
        trained = _copied(pl_module)
        pl_module.load_state_dict(validated)
        self._save_if_best(trainer, pl_module)
        pl_module.load_state_dict(trained)

    def _save_if_best(self, trainer: Trainer, pl_module: LightningModule) -> None:
        before = self.best_model_score
        super().on_validation_end(trainer, pl_module)
        if self.best_model_score is not before:
            self._step = trainer.global_step


def _copied(module: LightningModule) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}
