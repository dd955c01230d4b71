"""What a command prints at its end: one table, and where everything was written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table

from entreg.console import print_line
from entreg.runs import Run

_COLUMNS = {"acc": "accuracy", "errors": "errors", "ece": "ECE", "nll": "NLL", "brier": "Brier"}


def print_results(summary: dict[str, Any], run: Run | None) -> None:
    """Print the final table: a row for each split evaluated, then the run folder if anything was written."""
    title = f"{summary['loss']} on {summary['data']['name']}" if "loss" in summary else None
    table = Table(title=title, title_justify="left")
    table.add_column("split")
    for header in _COLUMNS.values():
        table.add_column(header, justify="right")
    shifted = {f"shift {name}": scores for name, scores in summary.get("shift", {}).items()}
    for split, scores in ({key: summary[key] for key in ("val", "test") if key in summary} | shifted).items():
        table.add_row(split, *(_cell(scores, key) for key in _COLUMNS))
        if split != "val" and "scaled" in scores:
            table.add_row(f"  at T = {summary['temperature']:.3g}", *(_cell(scores["scaled"], key) for key in _COLUMNS))
    console = Console(width=100)
    for content in (table, _corruptions(summary.get("corrupt", {})), _ood(summary.get("ood", {}))):
        if content.rows:
            console.print(content)
    if speed := summary.get("images_per_second"):
        print_line(f"trained {summary['epochs']} epochs in {summary['train_seconds']:.0f} s, {speed:.0f} images/s")
    print_line("nothing written" if run is None else f"run folder: {run.path}")


def _corruptions(corrupt: Mapping[str, Any]) -> Table:
    """Accuracy and calibration error along the severities."""
    table = Table(title="corrupted test images: accuracy (ECE)", title_justify="left")
    severities: Mapping[str, Any] = next(iter(corrupt.values()), {})
    table.add_column("corruption")
    for severity in severities:
        table.add_column(severity, justify="right")
    for name, scores in corrupt.items():
        table.add_row(name, *(f"{scores[s]['acc']:.1%} ({scores[s]['ece']:.1%})" for s in severities))
    return table


def _ood(sets: Mapping[str, Any]) -> Table:
    """How well test images are told from those of other classes."""
    table = Table(title="out-of-distribution sets", title_justify="left")
    table.add_column("set")
    for header in ("AUROC of MSP", "of energy", "FPR at 95 % TPR", "confidence >= 99 %"):
        table.add_column(header, justify="right")
    for name, scores in sets.items():
        auroc = (f"{scores[score]['auroc']:.4f}" for score in ("msp", "energy"))
        table.add_row(
            f"{name} ({'near' if scores.get('near') else 'far'})",
            *auroc,
            f"{scores['msp']['fpr95']:.1%}",
            f"{scores['overconfident']:.1%}",
        )
    return table


def _cell(scores: dict[str, Any], key: str) -> str:
    value = scores[key]
    if key in ("acc", "ece"):
        return f"{value:.2%}"
    return f"{value} of {scores['n']}" if key == "errors" else f"{value:.4f}"
