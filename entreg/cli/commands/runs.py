"""``entreg runs``: what was trained, one line a run folder."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from entreg.cli.parser import CommandParser
from entreg.errors import RunError
from entreg.losses import name_of
from entreg.runs import Run, check_unchanged, read_config, read_summary
from entreg.text import shown

_HEADER = ("run", "loss", "net", "data", "seed", "epochs", "test accuracy", "state")


def main(args: Sequence[str]) -> None:
    """Run ``entreg runs [FOLDER]``.

    Raises:
        ConfigError: on wrong usage.
        RunError: if no run folder is there.
    """
    parser = CommandParser(prog="entreg runs", description="List the runs of a folder: what was trained, and how far.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("runs"), metavar="FOLDER", help="default: runs")
    folder = parser.parse_args(list(args)).folder
    runs = [run for path in sorted(folder.glob("*")) if (run := Run(path)).started]
    if not runs:
        raise RunError(f"{folder}: holds no run folder; train with entreg fit, or name the folder: entreg runs FOLDER")
    rows = [_HEADER, *(tuple(map(shown, _row(run))) for run in runs)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _row(run: Run) -> tuple[str, ...]:
    try:
        summary, config = read_summary(run), read_config(run)
        check_unchanged(run, summary, (run.config,))
    except RunError as error:
        return (run.path.name, *["-"] * (len(_HEADER) - 2), f"cannot be read: {error}")
    return (run.path.name, *_trained(config, summary), _state(run, summary))


def _trained(config: Mapping[str, Any], summary: Mapping[str, Any]) -> Iterator[str]:
    """Cells of what a run is, by its config, and of what came of it, by its summary."""
    model, data = config["model"], config["data"]
    yield name_of(_class_of(model.get("loss")))
    yield _class_of(model.get("net")).rpartition(".")[2]
    yield _class_of(data).rpartition(".")[2]
    yield str(config.get("seed_everything", "-"))
    yield str(summary.get("epochs", "-"))
    accuracy = summary.get("test", {}).get("acc")
    yield "-" if accuracy is None else f"{accuracy:.2%}"


def _class_of(section: Any) -> str:
    return str(section.get("class_path", "-")) if isinstance(section, Mapping) else str(section or "-")


def _state(run: Run, summary: Mapping[str, Any]) -> str:
    if summary.get("finished"):
        return "finished"
    return "being trained" if run.lease.exists() else "unfinished"
