"""What a sweep ends with: a table of its trials, the importance of its parameters, and the comparison of its runs."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import optuna
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from entreg.console import cell, print_line
from entreg.errors import RunError
from entreg.files import atomic_path
from entreg.sweep.board import Board
from entreg.text import for_csv


class Compare(Protocol):
    """Compares finished runs and writes a report of it."""

    def __call__(
        self, runs: Sequence[Path], *, plan: Path | None, baseline: str | None, metrics: Sequence[str] | None, out: Path
    ) -> None:
        """Compare them.

        Args:
            runs: run folders.
            plan: file of the analysis plan, which says the rest.
            baseline: loss, name or hash of the arm that the others are compared with; ``None``: the usual one.
            metrics: what the verdict is about.
            out: folder of the report.
        """


def report(board: Board, compare: Compare) -> None:
    """Print the trials, best first; write ``trials.csv``, ``importance.png`` and ``report/``, once for all workers.

    Args:
        board: the sweep, of which no trial is left to do.
        compare: compares the runs of the completed trials, and writes ``report/``.

    Raises:
        RunError: if no trial was completed.
    """
    _print_table(board)
    finished = [trial for trial in board.trials if trial.state == TrialState.COMPLETE]
    if not finished:
        raise RunError(f"{board.folder}: no trial was completed, see logs/ there; mend it, then add --retry true")
    with board.lock:
        table, written = _csv(board), board.folder / "trials.csv"
        if written.is_file() and written.read_text() == table:  # another worker was faster
            print_line(f"sweep: {board.folder}")
            return
        _draw_importance(board, finished, board.folder / "importance.png")
        planned, chosen_by = board.sweep.plan is not None, board.sweep.metric.removeprefix("val/")
        compare(
            [board.run(trial).path for trial in finished],
            plan=board.plan if planned else None,
            baseline=board.sweep.baseline,
            metrics=None if planned else ["acc", *({chosen_by} & {"nll", "brier"})],
            out=board.folder / "report",
        )
        with atomic_path(written) as part:
            part.write_text(table)
    print_line(f"sweep: {board.folder}")


def _ranked(board: Board) -> list[FrozenTrial]:
    """Trials with a value, best first, then those without; not those that were tried again."""
    sign = -1 if board.sweep.direction == "maximize" else 1
    trials, retried = board.trials, board.retried
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    rest = [trial for trial in trials if trial.state != TrialState.COMPLETE and trial.number not in retried]
    return sorted(done, key=lambda trial: sign * (trial.value or 0.0)) + rest


def _rows(board: Board) -> list[list[str]]:
    """Header, then a row for each trial."""
    parameters = list(board.sweep.parameters)
    rows = [["trial", "state", board.sweep.metric, *parameters, "run"]]
    for trial in _ranked(board):
        state = trial.state.name.lower()
        value = "" if trial.value is None else repr(trial.value)
        chosen = [str(trial.params.get(key, "")) for key in parameters]
        rows.append([str(trial.number), state, value, *chosen, trial.user_attrs.get("run", "")])
    return rows


def _print_table(board: Board) -> None:
    header, *rows = _rows(board)
    table = Table(title=cell(f"sweep {board.sweep.name}"), title_justify="left")
    for name in header:
        table.add_column(cell(name), overflow="fold")
    for row in rows:
        value = f"{float(row[2]):.5g}" if row[2] else ""
        table.add_row(*map(cell, (*row[:2], value, *row[3:])))
    Console(width=None if Console().is_terminal else 160).print(table)
    for trial in _ranked(board):
        if "error" in trial.user_attrs:
            print_line(f"trial {trial.number} failed: {trial.user_attrs['error']}")


def _csv(board: Board) -> str:
    content = io.StringIO()
    csv.writer(content, lineterminator="\n").writerows(map(for_csv, row) for row in _rows(board))
    return content.getvalue()


def _draw_importance(board: Board, finished: list[FrozenTrial], target: Path) -> None:
    """Draw Optuna's importance of each parameter, where there is something to explain."""
    if len({trial.value for trial in finished}) < 2:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the plot is experimental in Optuna, and says so
        optuna.visualization.matplotlib.plot_param_importances(board.study)
    with atomic_path(target) as part:
        plt.savefig(part, bbox_inches="tight", dpi=150)
    plt.close("all")
