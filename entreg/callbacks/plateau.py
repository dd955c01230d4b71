"""The learning-rate rule behind the published VGG-5 numbers."""

from __future__ import annotations

from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer

from entreg.data.attached import datamodule_of
from entreg.data.sampling import counter_generator
from entreg.errors import ConfigError


class RandomRateOnPlateau(Callback):
    r"""After an epoch without a new best accuracy, draw the network's rate anew: :math:`peak \cdot U^3`, U uniform.

    The rule of SpinalNet's training script (arXiv 2007.03347), which watches the *test* accuracy; here it watches
    validation. It is a callback and not a schedule because Lightning does not step metric-driven schedules when it
    resumes at the end of an epoch. Use it with ``schedule: null``.

    Args:
        peak: largest rate.
        monitor: metric whose new maximum keeps the rate.
        seed: the draw is a function of (seed, epoch); default: the seed of the data module, which is the run's.
    """

    def __init__(self, peak: float = 0.005, monitor: str = "val/acc", seed: int | None = None) -> None:
        self.peak = peak
        self.monitor = monitor
        self.seed = seed
        self.best = float("-inf")

    def on_validation_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Keep or draw."""
        if trainer.state.fn != "fit" or trainer.sanity_checking:
            return
        if self.monitor not in trainer.callback_metrics:
            logged = ", ".join(sorted(trainer.callback_metrics))
            raise ConfigError(
                f"trainer.callbacks: RandomRateOnPlateau monitors {self.monitor}, expected one of {logged}"
            )
        value = float(trainer.callback_metrics[self.monitor])
        if value > self.best:
            self.best = value
            return
        seed = datamodule_of(trainer).seed if self.seed is None else self.seed
        generator = counter_generator(seed, trainer.current_epoch, "rate")
        rate = self.peak * float(torch.rand((), generator=generator)) ** 3
        trainer.optimizers[0].param_groups[0]["lr"] = rate

    def state_dict(self) -> dict[str, Any]:
        """Best value so far; the rate itself is part of the optimizer's state."""
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Restore it."""
        self.best = state_dict["best"]
