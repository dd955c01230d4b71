"""A user's callback that says when the first training step begins and when it has ended, and leaves there.

entreg fit ... --trainer.callbacks first_step.FirstStep
"""

from __future__ import annotations

import gc
import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import torch
from lightning.pytorch import Callback, LightningModule, Trainer


class FirstStep(Callback):
    """Write seconds and modules to the file that ``FIRST_STEP`` names.

    Seconds are those since the epoch (``start``, ``end``) and those of the processor (``cpu_start``, ``cpu_end``);
    ``modules`` are the packages imported when the step begins, in the order of their
    import, ``frozen`` the objects that Python's collector leaves alone.
    """

    def __init__(self) -> None:
        self.found: dict[str, Any] = {}

    def on_train_batch_start(self, trainer: Trainer, pl_module: LightningModule, batch: Any, batch_idx: int) -> None:
        """Note the beginning."""
        self._note("start")
        self.found["modules"] = list(dict.fromkeys(name.partition(".")[0] for name in sys.modules))
        self.found["frozen"] = gc.get_freeze_count()

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Note the end, write, and leave without more ado."""
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._note("end")
        Path(os.environ["FIRST_STEP"]).write_text(json.dumps(self.found))
        os._exit(0)

    def _note(self, what: str) -> None:
        times = os.times()
        self.found |= {what: time.time(), f"cpu_{what}": times.user + times.system}
