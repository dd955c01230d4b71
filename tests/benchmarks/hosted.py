"""entreg's own training, step by step, for the benchmarks: a callback that reports to whoever is timing."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, ClassVar, Protocol

from lightning.pytorch import Callback, LightningModule, Trainer
from torch import nn

from entreg.__main__ import main
from tests.benchmarks.timing import REPOSITORY


class Listener(Protocol):
    """Who follows a training."""

    def start(self) -> None:
        """Training is about to begin."""

    def step(self, images: int) -> bool:
        """Another step is done; return whether to go on."""


class Report(Callback):
    """Tell the listener of each training step, and keep the network.

    From one report to the next is a whole step: what other callbacks do after this one counts with the next step.
    """

    listener: ClassVar[Listener]
    net: ClassVar[nn.Module]

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        type(self).net = pl_module.get_submodule("net")
        self.listener.start()

    def on_train_batch_end(self, trainer: Trainer, pl_module: LightningModule, *args: Any, **kwargs: Any) -> None:
        batch = args[1]
        if not self.listener.step(len(batch.target)):
            trainer.should_stop = True


def fit(root: Path, listener: Listener, device: str, options: Sequence[str] = ()) -> nn.Module:
    """Train with ``entreg fit --config configs/cross_entropy.yaml`` in a folder that is removed; return the network.

    W&B and the progress bar, which the competitors lack, are off; metrics, ``metrics.csv`` and checkpoints are on.
    """
    Report.listener = listener
    # The lines of fit's end would name a folder that is gone.
    with tempfile.TemporaryDirectory() as runs, redirect_stdout(io.StringIO()):
        code = main(
            [
                *("fit", "--config", str(REPOSITORY / "configs" / "cross_entropy.yaml")),
                *("--data.root", str(root), "--runs", runs),
                *("--trainer.accelerator", "gpu" if device == "cuda" else "cpu", "--trainer.devices", "1"),
                *("--trainer.logger", "false", "--trainer.enable_progress_bar", "false"),
                *("--trainer.limit_val_batches", "0", "--evaluate", "false"),
                f"--trainer.callbacks+={__name__}.Report",
                *options,
            ]
        )
    if code:
        raise SystemExit(code)
    return Report.net
