"""``entreg sweep``: work on the trials of a sweep, and the report when all are done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import optuna
from jsonargparse import ArgumentParser, Namespace
from jsonargparse.typing import PositiveInt

from entreg.cli.layers import settings
from entreg.cli.messages import OneLineErrors
from entreg.cli.options import values
from entreg.errors import ConfigError
from entreg.sweep.board import Board
from entreg.sweep.checks import no_link
from entreg.sweep.config import Sweep
from entreg.sweep.forks import Forks, forking_is_safe
from entreg.sweep.places import share_out
from entreg.sweep.progress import Display
from entreg.sweep.report import report
from entreg.sweep.starters import Interpreters, Starter
from entreg.sweep.worker import Worker


class Parser(OneLineErrors, ArgumentParser):
    """Parser of a sweep."""


def main(args: Sequence[str]) -> None:
    """Run ``entreg sweep --config FILE [options] [-- OPTIONS OF FIT]``.

    Raises:
        ConfigError: on wrong usage, or a sweep that cannot be run.
        Interrupted: on a signal.
        Cancelled: on Ctrl-C.
    """
    words = list(args)
    end = words.index("--") if "--" in words else len(words)
    sweep, given = read_sweep(words[:end])
    extra = words[end + 1 :]
    _check_evaluation(sweep, extra)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if given.confirm is not None:
        from entreg.sweep.confirm import check_confirmation, confirm  # seconds to import: it knows the losses

        check_confirmation(sweep, given.confirm)
    board = Board.open(sweep, given.folder or Path("sweeps") / sweep.name, given.storage, given.retry)
    places = share_out(given.workers, spread=not _chooses_gpus(sweep, extra))

    def work(board: Board) -> None:
        Worker(board, extra, Display(), _starter(board), places).work()

    work(board)
    report(board, _compare if given.confirm is None else None)
    if given.confirm is not None:
        confirm(board, given.confirm, work, _compare, given.storage, given.retry)


def read_sweep(args: Sequence[str]) -> tuple[Sweep, Namespace]:
    """Read a sweep from the command line; return it, and the options of this worker.

    Raises:
        ConfigError: on wrong usage.
    """
    if not args:
        raise ConfigError("entreg sweep needs to know what to try: entreg sweep --config configs/sweeps/letters.yaml")
    parser = Parser(
        prog="entreg sweep",
        usage="entreg sweep --config FILE [OPTIONS] [-- OPTIONS OF FIT]",
        description="Work through the trials of a sweep, several at once with --workers. Start it as often as you "
        "like, on any machines that share the folder. What stands after -- goes to entreg fit: "
        "entreg sweep --config FILE --workers 8 -- --data.root DIR",
    )
    parser.add_argument("--config", action="config", help="File of the sweep.")
    parser.add_class_arguments(Sweep, as_group=False)
    parser.add_argument("--folder", type=Path | None, help="Folder of the sweep; default: sweeps/<name>.")
    parser.add_argument("--storage", type=str | None, help="URL of a database; default: a journal file in the folder.")
    parser.add_argument(
        "--workers",
        type=PositiveInt,
        default=1,
        help="Trials that are trained at once; cores, GPUs and the memory of a GPU are shared out among them.",
    )
    parser.add_argument(
        "--confirm",
        type=int | None,
        help="Number of fresh seeds with which the best on validation and the baseline are trained after all trials; "
        "only these runs are compared on test.",
    )
    parser.add_argument("--retry", type=bool, default=False, help="Whether failed trials are tried again.")
    given = parser.instantiate(parser.parse_args(list(args)))
    return Sweep(**{part.name: given[part.name] for part in fields(Sweep)}), given


def _compare(runs: Sequence[Path], **options: Any) -> None:
    """Compare runs; what that needs takes seconds to import, so it is imported where there is something to compare."""
    from entreg.cli.comparison import compare_runs

    compare_runs(runs, **options)


def _starter(board: Board) -> Starter:
    if not forking_is_safe():
        return Interpreters()
    return Forks("entreg", "entreg.cli.rehearsal", no_link(board.folder / "logs" / "warm.log"))


def _check_evaluation(sweep: Sweep, extra: Sequence[str]) -> None:
    """Refuse to train trials that nothing is known of in the end.

    Raises:
        ConfigError: if they are not to be evaluated.
    """
    said = _said(sweep, extra, "evaluate")
    if "evaluate" in sweep.parameters or "false" in (str(value).lower() for value in said):
        raise ConfigError("evaluate: the value of a trial is that of its final evaluation, leave evaluate out")


def _chooses_gpus(sweep: Sweep, extra: Sequence[str]) -> bool:
    """Whether the user says which GPUs a trial is to have, or that it is to have several."""
    key = "trainer.devices"
    said = _said(sweep, extra, key) + ([key] if key in sweep.parameters else [])
    said += [settings(Path(file)).get("devices") for _, file in values(extra, "--trainer")]
    return not {str(value) for value in said if value is not None} <= {"1", "auto"}


def _said(sweep: Sweep, extra: Sequence[str], key: str) -> list[Any]:
    """What is said of an option of fit: in the sweep, in its files, behind ``--``."""
    said = [sweep.options.get(key)]
    said += [settings(Path(path.absolute)).get(key) for path in sweep.fit]
    return said + [value for _, value in values(extra, f"--{key}")]
