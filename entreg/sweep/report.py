"""What a sweep ends with: a table of its trials, the importance of its parameters, and the comparison of its runs."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import optuna
from optuna.importance import PedAnovaImportanceEvaluator
from optuna.trial import FrozenTrial, TrialState
from rich.console import Console
from rich.table import Table

from entreg.console import cell, print_line
from entreg.errors import RunError
from entreg.files import atomic_path
from entreg.sweep.board import Board
from entreg.sweep.space import described
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


def report(board: Board, compare: Compare | None) -> None:
    """Print the trials, best first; write ``trials.csv``, ``importance.png`` and ``report/``, once for all workers.

    What was searched for is known by its score on validation alone: only trials that are arms are compared on test.

    Args:
        board: the sweep, of which no trial is left to do.
        compare: compares the runs of the trials, and writes ``report/``; ``None``: a confirmation follows.

    Raises:
        RunError: if no trial was completed.
    """
    _print_table(board)
    sweep, finished = board.sweep, [trial for trial in board.trials if trial.state == TrialState.COMPLETE]
    if not finished:
        raise RunError(f"{board.folder}: no trial was completed, see logs/ there; mend it, then add --retry true")

    table = table_of(board)
    once(board, board.folder / "trials.csv", table, lambda: _draw_importance(board, finished))
    if compare is not None and sweep.has_arms:
        out = board.folder / "report"
        plan, metrics = (board.plan, None) if sweep.plan is not None else (None, primary_of(sweep.metric))
        once(
            board,
            out / "trials.csv",
            table,
            lambda: compare(board.runs, plan=plan, baseline=sweep.baseline, metrics=metrics, out=out),
        )
    if compare is not None and not sweep.has_arms:
        print_line("the best of a search is lucky: the same command with --confirm 5 trains it and the baseline anew")
    print_line(f"sweep: {board.folder}")


def primary_of(metric: str) -> list[str]:
    """Return the measures that runs are compared on that were chosen by a metric: accuracy, and what is nearest to it.

    Example:
        >>> primary_of("val/acc"), primary_of("val/nll"), primary_of("val/ece")
        (['acc'], ['acc', 'nll'], ['acc', 'ce2'])
    """
    name = metric.removeprefix("val/")
    nearest = "ce2" if name.startswith("ece") else name
    return ["acc", *({nearest} & {"nll", "brier", "ce2"})]


def once(board: Board, written: Path, table: str, make: Callable[[], None]) -> bool:
    """Make something and write a table, unless that table is written already, as another worker was faster.

    Returns:
        whether it was made now.
    """
    with board.lock:
        if written.is_file() and written.read_text(encoding="utf-8") == table:
            return False
        make()
        with atomic_path(written) as part:
            part.write_text(table, encoding="utf-8")
        return True


def _ranked(board: Board) -> list[FrozenTrial]:
    """Trials with a value, best first, then those without; not those that were tried again."""
    sign = -1 if board.sweep.goal == "maximize" else 1
    trials, retried = board.trials, board.retried
    done = [trial for trial in trials if trial.state == TrialState.COMPLETE]
    rest = [trial for trial in trials if trial.state != TrialState.COMPLETE and trial.number not in retried]
    return sorted(done, key=lambda trial: sign * (trial.value or 0.0)) + rest


def _print_table(board: Board) -> None:
    table = Table(title=cell(f"sweep {board.sweep.name}"), title_justify="left")
    for name in ("trial", "state", board.sweep.metric, "values"):
        table.add_column(cell(name), overflow="fold")
    for trial in _ranked(board):
        value = "" if trial.value is None else f"{trial.value:.5g}"
        table.add_row(*map(cell, (trial.number, trial.state.name.lower(), value, described(trial.params))))
    Console(width=None if Console().is_terminal else 160).print(table)
    for trial in _ranked(board):
        if "error" in trial.user_attrs:
            print_line(f"trial {trial.number} failed: {trial.user_attrs['error']}")


def table_of(board: Board) -> str:
    """Return the trials, best first, as comma-separated values."""
    parameters = list(board.sweep.parameters)
    rows = [["trial", "state", board.sweep.metric, *parameters, "run"]]
    for trial in _ranked(board):
        value = "" if trial.value is None else repr(trial.value)
        chosen = [str(trial.params.get(key, "")) for key in parameters]
        rows.append([str(trial.number), trial.state.name.lower(), value, *chosen, trial.user_attrs.get("run", "")])
    content = io.StringIO()
    csv.writer(content, lineterminator="\n").writerows(map(for_csv, row) for row in rows)
    return content.getvalue()


def _draw_importance(board: Board, finished: list[FrozenTrial]) -> None:
    """Draw Optuna's importance of each parameter, where there is something to explain."""
    if len({trial.value for trial in finished}) < 2:
        return
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the plot is experimental in Optuna, and says so
        optuna.visualization.matplotlib.plot_param_importances(board.study, evaluator=PedAnovaImportanceEvaluator())
    with atomic_path(board.folder / "importance.png") as part:
        plt.savefig(part, bbox_inches="tight", dpi=150)
    plt.close("all")
