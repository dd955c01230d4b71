"""The run folder's own append-only log."""

from __future__ import annotations

import csv
import os
import time
from collections.abc import Mapping
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from entreg.errors import RunError
from entreg.runs import Run

_FIELDS = ("step", "name", "value", "time")


class CSVLog(Logger):
    """Append metrics to ``metrics.csv``, one value a row: ``step, name, value, time`` (seconds since the epoch).

    Lightning's CSVLogger rewrites its file when a metric appears and deletes it on resume; this one only appends.
    ``pandas.read_csv(path).pivot(index="step", columns="name", values="value")`` gives the wide table.

    Args:
        run: run folder.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run

    @property
    def name(self) -> str:
        """Name of the run folder."""
        return self.run.path.name

    @property
    def version(self) -> str:
        """Id of the run."""
        return self.run.id

    @override
    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        try:
            self._append(metrics, step)
        except OSError as error:
            raise RunError(f"{self.run.metrics}: cannot be written ({error.strerror})") from error

    def _append(self, metrics: Mapping[str, float], step: int | None) -> None:
        path = self.run.metrics
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if file.tell() == 0:
                writer.writerow(_FIELDS)
            now = f"{time.time():.3f}"
            writer.writerows(
                (step, name, repr(float(value)), now) for name, value in metrics.items() if name != "epoch"
            )

    @override
    def log_hyperparams(self, *args: Any, **kwargs: Any) -> None:
        """Do nothing: config.yaml holds them."""

    def size(self) -> int:
        """Length of the file in bytes, for :meth:`cut`."""
        return self.run.metrics.stat().st_size if self.run.metrics.is_file() else 0

    @rank_zero_only
    def cut(self, size: int) -> None:
        """Cut the file back to ``size`` bytes, its length when the checkpoint to resume from was written."""
        if self.size() > size:
            os.truncate(self.run.metrics, size)
