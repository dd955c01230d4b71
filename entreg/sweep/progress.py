"""What a sweep shows while it works: a line for each event, and on a terminal a table of the trials at hand below."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import ExitStack
from types import TracebackType

from rich.console import Console
from rich.live import Live
from rich.table import Table
from typing_extensions import Self

from entreg.console import cell
from entreg.sweep.space import described
from entreg.sweep.training import Training


class Display:
    """Lines, and a table where somebody watches; a context manager while trials run.

    Args:
        console: where to.
    """

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console()
        self._live: Live | None = None
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self._console.is_terminal:
            live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live = self._open.enter_context(live)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._live = None
        self._open.close()

    def say(self, line: str) -> None:
        """Print a line as it is; above the table, where there is one."""
        self._console.print(cell(line), soft_wrap=True)

    def show(self, trainings: Sequence[Training]) -> None:
        """Show how the trials at hand are doing."""
        if self._live is not None:
            self._live.update(_table(trainings), refresh=True)


def _table(trainings: Sequence[Training]) -> Table:
    table = Table("trial", "values", "minutes", "validations", box=None)
    table.add_column(cell(trainings[0].metric if trainings else ""))
    for training in trainings:
        values = described(training.trial.params)
        minutes = (time.monotonic() - training.since) / 60
        latest = f"{training.values[-1]:.5g}" if training.values else ""
        row = (training.trial.number, values, f"{minutes:.1f}", len(training.values), latest)
        table.add_row(*map(cell, row))
    return table
