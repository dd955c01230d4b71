"""``entreg data``: the data sets that are known: where they are, whether they are whole, how they look."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from entreg.cli.commands import shrink
from entreg.cli.parser import CommandParser
from entreg.console import cell, print_line
from entreg.data import TextDataModule, available, data_root, find
from entreg.data.images.shrunk import INDEX
from entreg.data.source import Source
from entreg.errors import ConfigError, DataError
from entreg.files import atomic_path, check_target
from entreg.text import for_matplotlib


def main(args: Sequence[str]) -> None:
    """Run ``entreg data ...``.

    Raises:
        ConfigError: on wrong usage.
        DataError: if files are damaged or cannot be had.
    """
    parser = CommandParser(prog="entreg data", description="The data sets that are known by name.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", prog=parser.prog)
    commands.add_parser("list", description="List what is known, and what of it is here.")
    verify = commands.add_parser("verify", description="Read every file that is here and check it.")
    verify.add_argument(
        "names",
        nargs="*",
        metavar="NAME",
        help="data sets, or folders that entreg data shrink made; default: all that are here",
    )
    prepare = commands.add_parser("prepare", description="Download what is absent.")
    prepare.add_argument("name", metavar="NAME", help="a data set, by a name that entreg data list shows")
    show = commands.add_parser(
        "show", description="Draw a contact sheet with labels, upright; print texts and features."
    )
    show.add_argument("name", metavar="NAME", help="a data set, by a name that entreg data list shows")
    show.add_argument("--out", type=Path, default=Path("sheet.png"), help="picture to write")
    show.add_argument("--test", action="store_true", help="samples of the test file instead of the training file")
    show.add_argument("--count", type=int, default=60, help="number of samples")
    in_root = list(commands.choices.values())
    shrink.add_parser(commands)
    for command in in_root:
        command.add_argument("--root", help="folder of the data; default: $ENTREG_DATA, else ./data")
    given = parser.parse_args(list(args))
    if given.command == "shrink":
        shrink.run(given)
        return
    root = data_root(given.root)
    if given.command == "list":
        _list(root)
    elif given.command == "verify":
        _verify(root, given.names)
    elif given.command == "prepare":
        _prepare(find(given.name).make(root))
    else:
        _show(find(given.name).make(root), train=not given.test, count=given.count, out=given.out)


def _list(root: Path) -> None:
    table = Table(title=cell(f"data sets under {root}"), title_justify="left")
    for header in ("name", "classes", "input", "here"):
        table.add_column(header)
    for name, info in available().items():
        data = info.placed(root)
        shape = "text" if isinstance(data, TextDataModule) else "x".join(map(str, data.declared_shape or ()))
        table.add_row(*map(cell, (name, data.num_classes, shape, _state(name, data))))
    Console(width=110).print(table)
    print_line("besides: noise, to evaluate on; ImageFolder, Texts and Vectors, your own samples (--data ImageFolder)")


def _state(name: str, data: Source) -> str:
    here = [part for part, train in (("training", True), ("test", False)) if not data.missing(train)]
    if not here:
        return f"no: entreg data prepare {name}"
    files = data.files(train="training" in here)
    return f"{' and '.join(here)}, {files[0].parent}" if files else "drawn when it is needed"


def _verify(root: Path, names: Sequence[str]) -> None:
    copies = [name for name in names if (Path(name) / INDEX).exists()]
    for copy in copies:
        shrink.verify(Path(copy))
    names = [find(name).name for name in names if name not in copies]
    if copies and not names:
        return
    damaged = seen = 0
    for name in names or available():
        data = find(name).make(root) if names else find(name).placed(root)
        for train in (True, False):
            absent = data.missing(train)
            if not names and (absent or not data.files(train)):  # not here, or drawn anew at need
                continue
            seen += 1
            label = f"{name} {'training' if train else 'test'}"
            try:
                if absent:
                    raise DataError(f"{absent[0]} is {'not as published' if absent[0].exists() else 'absent'}")
                targets = data.labels(train)
                counts = targets.bincount(minlength=data.num_classes)
                print_line(
                    f"{label}: ok, {len(targets)} samples, {int(counts.min())} to {int(counts.max())} a class"
                    f"{_published(data, train)}"
                )
            except DataError as error:
                damaged += 1
                print_line(f"{label}: {error}")
    if damaged:
        raise DataError(f"{damaged} of {seen} files are damaged or absent, see above")
    if not seen:
        raise DataError(f"{root}: holds no data set that is known; entreg data prepare NAME downloads one")


def _published(data: Source, train: bool) -> str:
    """Say whether files that have a published MD5 sum are those files."""
    sums = data.checksums(train)
    if not sums:
        return ""
    as_published = all(hashlib.md5(path.read_bytes()).hexdigest() == md5 for path, md5 in sums.items())
    return ", MD5 as published" if as_published else ", MD5 not as published"


def _prepare(data: Source) -> None:
    for train in (True, False):
        data.prepare(train)
        targets = data.labels(train)
        print_line(f"{'training' if train else 'test'}: {len(targets)} samples")
    files = data.files(train=True)
    print_line(f"here: {files[0].parent if files else data.root}")


def _show(data: Source, *, train: bool, count: int, out: Path) -> None:
    if out.suffix.lower() not in (".png", ".jpg", ".jpeg", ".pdf", ".svg"):
        raise ConfigError(f"--out {out}: expected a picture's name, .png, .jpg, .pdf or .svg")
    if count < 1:
        raise ConfigError(f"--count is a number >= 1, got {count}")
    check_target(out)
    if absent := data.missing(train):
        raise DataError(f"{absent[0]} is absent; entreg data prepare downloads it, --root names another folder")
    targets = data.labels(train)
    chosen = torch.linspace(0, len(targets) - 1, min(count, len(targets))).long()
    chosen = chosen[targets[chosen].argsort(stable=True)]
    names = [data.classes[k] for k in targets[chosen].tolist()]
    if (table := data.tabulated(train, chosen)) is not None:
        _print(*table, names)
        return
    pictures = data.shown(data.checked(train)[0][chosen])
    if pictures is None:
        raise DataError(f"samples of {type(data).__name__} cannot be shown: they are no pictures")
    _draw(pictures, names, out)
    print_line(f"{len(chosen)} {'training' if train else 'test'} samples: {out}")


def _print(headers: Sequence[str], rows: Sequence[Sequence[str]], classes: Sequence[str]) -> None:
    """Print samples, a row each, behind their classes."""
    table = Table()
    for header in ("class", *headers):
        table.add_column(cell(header))
    for name, row in zip(classes, rows, strict=True):
        table.add_row(*map(cell, (name, *row)))
    Console(width=None if sys.stdout.isatty() else 110).print(table)


def _draw(pictures: Sequence[NDArray[np.uint8]], titles: Sequence[str], out: Path) -> None:
    """Write a contact sheet, ten pictures a row."""
    from matplotlib.figure import Figure  # imported late: a second that only pictures need

    columns = min(10, len(pictures))
    rows = -(-len(pictures) // columns)
    figure = Figure(figsize=(columns, 1.25 * rows), layout="constrained")
    for axes in figure.subplots(rows, columns, squeeze=False).flat:
        axes.axis("off")
    for axes, picture, title in zip(figure.axes, pictures, titles, strict=False):
        axes.imshow(picture, cmap="gray", vmin=0, vmax=255)
        axes.set_title(for_matplotlib(title), fontsize=9, pad=2)
    with atomic_path(out) as part:
        figure.savefig(part, dpi=120)
