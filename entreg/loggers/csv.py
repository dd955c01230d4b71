"""The run folder's own append-only log."""

from __future__ import annotations

import csv
import io
import os
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from lightning.pytorch.loggers.logger import Logger
from lightning.pytorch.utilities import rank_zero_only
from typing_extensions import override

from entreg.errors import RunError
from entreg.files import atomic_path
from entreg.runs import Run

_FIELDS = ("step", "name", "value", "time")
_HEADER = b"step,name,value,time\r\n"


class CSVLog(Logger):
    """Append metrics to ``metrics.csv``, one value a row: ``step, name, value, time`` (seconds since the epoch).

    Lightning's CSVLogger rewrites its file when a metric appears and deletes it on resume; this one only appends.
    ``pandas.read_csv(path).pivot(index="step", columns="name", values="value")`` gives the wide table.

    Args:
        run: run folder.
        check: what is called before rows are added; it raises where the folder has become another process's.

    Attributes:
        gaps: how many bytes of rows are lost, as after a power cut, by the step of the row before them (-1: there is
            none). In the file they are empty lines, so that the lengths that checkpoints state stay true.
    """

    def __init__(self, run: Run, check: Callable[[], None] = lambda: None) -> None:
        super().__init__()
        self.run = run
        self.check = check
        self.gaps: Counter[int] = Counter()

    @property
    def save_dir(self) -> str:
        """Folder of all runs; that of this one is ``<save_dir>/<name>/<version>``, as Lightning's callbacks join it."""
        return str(self.run.path.parent)

    @property
    def name(self) -> str:
        """Nothing: a run folder lies directly among the others."""
        return ""

    @property
    def version(self) -> str:
        """Name of the run folder."""
        return self.run.path.name

    @override
    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        self.check()
        try:
            self._append(metrics, step)
        except OSError as error:
            raise RunError(f"{self.run.metrics}: cannot be written ({error.strerror})") from error

    def _append(self, metrics: Mapping[str, float], step: int | None) -> None:
        with self.run.metrics.open("a", newline="", encoding="utf-8") as file:
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

        Where it is shorter, its last whole row is kept, and what is lost becomes a gap.

        Raises:
            RunError: if a row is none: the file was damaged or edited, and what is wrong with it is not known.
        """
        path = self.run.metrics
        content = path.read_bytes() if path.is_file() else b""
        kept = content[:size]
        if len(content) < size:
            whole = content[: content.rfind(b"\n") + 1] or _HEADER
            kept = whole + b"\n" * (size - len(whole))
        self.gaps = self._find_gaps(kept)
        if kept == content[: len(kept)]:
            if len(kept) < len(content):
                os.truncate(path, len(kept))
        else:
            with atomic_path(path) as part:
                part.write_bytes(kept)

    def _find_gaps(self, content: bytes) -> Counter[int]:
        """Find the gaps, once it is certain that all else are rows."""
        gaps, step = Counter[int](), -1
        reader = csv.reader(io.StringIO(content.decode(errors="replace"), newline=""), strict=True)
        try:
            if content and next(reader) != list(_FIELDS):
                raise ValueError("no header")
            for row in reader:
                if row:
                    number, _, value, seconds = row
                    step = int(float(number)) if number else step
                    float(value), float(seconds)
                else:
                    gaps[step] += 1
            if content and not content.endswith(b"\n"):
                raise ValueError("half a row")
        except (ValueError, OverflowError, csv.Error) as error:
            raise RunError(
                f"{self.run.metrics}: line {reader.line_num} is not {','.join(_FIELDS)} as the run wrote it; put a "
                "copy back, or delete it from that line on, and the run goes on without those rows"
            ) from error
        return gaps
