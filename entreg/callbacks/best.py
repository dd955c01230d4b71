"""The checkpoint that validation chooses."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lightning.pytorch import LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint
from torch import Tensor
from typing_extensions import override

from entreg.runs import Run


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

    @override
    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore scores; Lightning would forget them with the folder's old place.

        Raises:
            RunError: if the checkpoint that has the best score is lost or damaged.
        """
        scores = {}
        if (score := state_dict["best_model_score"]) is not None:
            scores = {str(self.run.kept_best().absolute()): score}
        here = {"best_model_path": self.path, "kth_best_model_path": self.path, "best_k_models": scores}
        super().load_state_dict({**state_dict, **here, "dirpath": self.dirpath})

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
            super().on_validation_end(trainer, pl_module)
            return
        trained = _copied(pl_module)
        pl_module.load_state_dict(validated)
        super().on_validation_end(trainer, pl_module)
        pl_module.load_state_dict(trained)


def _copied(module: LightningModule) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}
