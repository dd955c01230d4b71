"""The run folder's own append-only log."""

from __future__ import annotations

import csv
import io
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

    Attributes:
        gaps: rows that are lost, as after a power cut: the step of the last row before (``None``: the first rows are
            gone), and how many bytes.
    """

    def __init__(self, run: Run) -> None:
        super().__init__()
        self.run = run
        self.gaps: list[dict[str, int | None]] = []

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

    def saved_size(self) -> int:
        """Length of the file in bytes, for :meth:`cut`, once all of it is safely on disk."""
        if not self.run.metrics.is_file():
            return 0
        with self.run.metrics.open("rb+") as file:
            os.fsync(file.fileno())
            return file.seek(0, os.SEEK_END)

    @rank_zero_only
    def cut(self, size: int) -> None:
        """Cut the file back to ``size`` bytes, its length when the checkpoint to resume from was written.

        Where it is shorter, its last whole row becomes its end, and :attr:`gaps` tells so.

        Raises:
            RunError: if a row is none: the file was damaged or edited, and what is wrong with it is not known.
        """
        path = self.run.metrics
        content = path.read_bytes() if path.is_file() else b""
        kept = content[:size] if len(content) >= size else content[: content.rfind(b"\n") + 1]
        last = self._last_step(kept)
        if len(kept) < size:
            self.gaps.append({"after_step": last, "bytes": size - len(kept)})
        if len(kept) < len(content):
            os.truncate(path, len(kept))

    def _last_step(self, content: bytes) -> int | None:
        """Step of the last row, once it is certain that all of them are rows."""
        reader = csv.reader(io.StringIO(content.decode(errors="replace"), newline=""), strict=True)
        step = None
        try:
            if content and next(reader) != list(_FIELDS):
                raise ValueError("no header")
            for number, _, value, seconds in reader:
                step = int(float(number)) if number else step
                float(value), float(seconds)
            if content and not content.endswith(b"\n"):
                raise ValueError("half a row")
        except (ValueError, OverflowError, csv.Error) as error:
            raise RunError(
                f"{self.run.metrics}: line {reader.line_num} is not {','.join(_FIELDS)} as the run wrote it; put a "
                "copy back, or delete it from that line on, and the run goes on without those rows"
            ) from error
        return step
