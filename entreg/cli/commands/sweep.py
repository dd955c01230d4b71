"""``entreg sweep``: one worker of a sweep, and the report when all trials are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import optuna
from jsonargparse import ArgumentParser, Namespace

from entreg.cli.messages import OneLineErrors
from entreg.errors import ConfigError
from entreg.sweep.board import Board
from entreg.sweep.config import Sweep
from entreg.sweep.report import report
from entreg.sweep.worker import Worker


class Parser(OneLineErrors, ArgumentParser):
    """Parser of a sweep."""


def main(args: Sequence[str]) -> None:
    """Run ``entreg sweep --config FILE [options] [-- OPTIONS OF FIT]``.

    Raises:
        ConfigError: on wrong usage, or a sweep that cannot be run.
        Interrupted: on a signal.
    """
    words = list(args)
    end = words.index("--") if "--" in words else len(words)
    sweep, given = read_sweep(words[:end])
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    board = Board.open(sweep, given.folder or Path("sweeps") / sweep.name, given.storage, given.retry)
    Worker(board, words[end + 1 :], print).work()
    from entreg.cli.commands.compare import compare_runs  # seconds to import, and not needed before all trials are done

    report(board, compare_runs)


def read_sweep(args: Sequence[str]) -> tuple[Sweep, Namespace]:
    """Read a sweep from the command line; return it, and the options of this worker.

    Raises:
        ConfigError: on wrong usage.
    """
    if not args:
        raise ConfigError("entreg sweep needs to know what to try: entreg sweep --config configs/sweeps/letters.yaml")
    parser = Parser(
        prog="entreg sweep",
        description="Work through the trials of a sweep. Start it as often as you like, on any machines that share the "
        "folder: each is one worker. What stands after -- goes to entreg fit: "
        "entreg sweep --config FILE -- --data.root DIR",
    )
    parser.add_argument("--config", action="config", help="File of the sweep.")
    parser.add_class_arguments(Sweep, as_group=False)
    parser.add_argument("--folder", type=Path | None, help="Folder of the sweep; default: sweeps/<name>.")
    parser.add_argument("--storage", type=str | None, help="URL of a database; default: a journal file in the folder.")
    parser.add_argument("--retry", type=bool, default=False, help="Whether failed trials are tried again.")
    given = parser.instantiate(parser.parse_args(list(args)))
    return Sweep(**{part.name: given[part.name] for part in fields(Sweep)}), given
