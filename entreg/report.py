"""What a command prints at its end: one table, and where everything was written."""

from __future__ import annotations

from typing import Any

from lightning.pytorch.utilities import rank_zero_only
from rich.console import Console
from rich.table import Table

from entreg.runs import Run

_COLUMNS = {"acc": "accuracy", "errors": "errors", "ece": "ECE", "nll": "NLL", "brier": "Brier"}


def print_results(summary: dict[str, Any], run: Run | None) -> None:
    """Print the final table: a row for each split evaluated, then the run folder if anything was written."""
    title = f"{summary['loss']} on {summary['data']['name']}" if "loss" in summary else None
    table = Table(title=title, title_justify="left")
    table.add_column("split")
    for header in _COLUMNS.values():
        table.add_column(header, justify="right")
    for split in ("val", "test"):
        if split in summary:
            scores = summary[split]
            table.add_row(split, *(_cell(scores, key) for key in _COLUMNS))
    console = Console(width=100)
    if table.rows:
        console.print(table)
    if speed := summary.get("images_per_second"):
        print_line(f"trained {summary['epochs']} epochs in {summary['train_seconds']:.0f} s, {speed:.0f} images/s")
    print_line("nothing written" if run is None else f"run folder: {run.path}")


@rank_zero_only
def print_line(text: str) -> None:
    """Print one line as it is: no colours, no wrapping."""
    Console().print(text, markup=False, highlight=False, soft_wrap=True)


def _cell(scores: dict[str, Any], key: str) -> str:
    value = scores[key]
    if key in ("acc", "ece"):
        return f"{value:.2%}"
    return f"{value} of {scores['n']}" if key == "errors" else f"{value:.4f}"
