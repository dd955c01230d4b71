"""``entreg runs``: what was trained, one line a run folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, fields
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from entreg.cli.parser import CommandParser
from entreg.console import print_columns
from entreg.errors import ConfigError, RunError
from entreg.runs import Run, near, run_folders
from entreg.runs.listing import Entry, entry_of
from entreg.text import shown

_KEYS = tuple(field.name for field in fields(Entry))
_HEADER = ("run", "loss", "net", "data", "seed", "epochs", "accuracy", "errors", "ECE", "state", "age")
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def main(args: Sequence[str]) -> None:
    """Run ``entreg runs [FOLDER] [options]``.

    Raises:
        ConfigError: on wrong usage.
        RunError: if no run folder is there.
    """
    given = _parser().parse_args(list(args))
    folder, wanted = given.folder, [_wanted(word) for word in given.filter]
    runs = [Run(path) for path in run_folders(folder)]
    if not runs:
        what = "holds no run folder" if folder.exists() else "is not there"
        raise RunError(
            f"{folder}: {what}{near(folder)}; train with entreg fit, or name the folder of runs: entreg runs FOLDER"
        )
    entries = [entry for entry in map(entry_of, runs) if all(_fits(entry, key, value) for key, value in wanted)]
    if given.sort:
        entries.sort(key=lambda entry: _place(entry, given.sort))
    if given.json:
        print(json.dumps([asdict(entry) for entry in entries], indent=2))
        return
    print_columns([_HEADER, *(tuple(map(shown, _row(entry))) for entry in entries)])


def _parser() -> CommandParser:
    parser = CommandParser(
        prog="entreg runs",
        description="List the runs of a folder: what was trained, how far, how well on test, and how long ago.",
    )
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path("runs"), metavar="FOLDER", help="folder of run folders"
    )
    parser.add_argument(
        "--filter",
        nargs="+",
        action="extend",
        default=[],
        metavar="KEY=VALUE",
        help="list only runs of which all this is true, such as loss=mix_ent data=letters run=*vgg5*",
    )
    parser.add_argument(
        "--sort",
        choices=_KEYS,
        metavar="KEY",
        help=f"one of {', '.join(_KEYS)}: of accuracy the highest first, of all others the lowest (default: run)",
    )
    parser.add_argument("--json", action="store_true", help="print a JSON list with an object for each run")
    return parser


def _wanted(word: str) -> tuple[str, str]:
    key, _, value = word.partition("=")
    if key not in _KEYS or not value:
        raise ConfigError(f"--filter {word}: expected KEY=VALUE with a key of {', '.join(_KEYS)}")
    return key, value


def _fits(entry: Entry, key: str, pattern: str) -> bool:
    """Whether a value, or a word of it, is as a pattern says, whatever the case."""
    text = str(getattr(entry, key)).lower()
    return any(fnmatchcase(part, pattern.lower()) for part in (text, *text.split()))


def _place(entry: Entry, key: str) -> tuple[bool, Any]:
    """Where an entry comes in the order of a key; at the end if it has no value."""
    value = getattr(entry, key)
    if value is None:
        return True, 0
    return False, -value if key == "accuracy" else value


def _row(entry: Entry) -> tuple[str, ...]:
    words = (entry.run, entry.loss, entry.net, entry.data, entry.seed, entry.epochs)
    scores = (
        _percent(entry.accuracy),
        None if entry.errors is None else f"{entry.errors} of {entry.samples}",
        _percent(entry.ece),
    )
    return (*("-" if word is None else str(word) for word in (*words, *scores)), entry.state, _age(entry.age))


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.2%}"


def _age(seconds: int) -> str:
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "s"))
    return f"{seconds // size} {unit}"
