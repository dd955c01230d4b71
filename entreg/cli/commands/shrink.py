"""``entreg data shrink``: a resized copy of an image folder, to train from where decoding takes too long."""

from __future__ import annotations

import argparse
import os
import shlex
from pathlib import Path
from typing import Any, get_args

from entreg.cli.parser import CommandParser
from entreg.console import print_line
from entreg.data import ImageFolder
from entreg.data.images.decode import Fit
from entreg.data.images.shrink import shrink
from entreg.data.images.shrunk import INDEX, Index, ShrunkImages
from entreg.errors import ConfigError


def add_parser(commands: Any) -> None:
    """Add the command to ``entreg data``."""
    command: CommandParser = commands.add_parser(
        "shrink", description="Write a resized copy of an image folder that needs no decoding; interrupted, goes on."
    )
    command.add_argument("root", type=Path, metavar="DIR", help="folder of train/<class>/* and test/<class>/*")
    command.add_argument("--size", type=int, required=True, help="height and width of the images in the copy")
    command.add_argument("--in_channels", type=int, choices=(1, 3), default=3, help="1 for grey, 3 for colour")
    command.add_argument(
        "--fit", choices=get_args(Fit), default="squeeze", help="what becomes of pictures that are no squares"
    )
    command.add_argument("--out", type=Path, help="folder of the copy; default: DIR-SIZE")
    workers = "processes that decode; default: one a core"
    command.add_argument("--workers", type=int, default=os.cpu_count(), help=workers)


def run(given: argparse.Namespace) -> None:
    """Write the copy, or what it lacks, and say how to train from it.

    Raises:
        ConfigError: on wrong usage.
        DataError: if a picture cannot be read.
        RunError: if the copy cannot be written.
    """
    root: Path = given.root.resolve()
    out: Path = given.out or root.with_name(f"{root.name}-{given.size}")
    if given.workers < 0:
        raise ConfigError(f"--workers is a number >= 0, got {given.workers}")
    if (root / INDEX).exists() or out.resolve() == root:
        raise ConfigError(f"{root}: is a copy itself, or would be; name a folder of pictures, and another one by --out")
    if given.out is None and not out.exists() and not os.access(root.parent, os.W_OK):
        raise ConfigError(f"{root.parent}: cannot be written to, and the copy goes there unless --out names a folder")
    data = ImageFolder(str(root), image_size=given.size, in_channels=given.in_channels, fit=given.fit)
    parts = {"train": data.stored(train=True), "test": data.stored(train=False)}
    for files in parts.values():
        files.check()
    print_line(f"{sum(files.nbytes for files in parts.values()) / 1e9:,.1f} GB of pixels into {out}")
    shrink(parts, data.classes, out, given.workers, say=print_line)
    quoted = shlex.quote(str(out))
    print_line(
        f"done: --data ImageFolder --data.root {quoted} --data.image_size {given.size} --data.in_channels "
        f"{given.in_channels} --data.fit {given.fit}; entreg data verify {quoted} reads and checks it"
    )


def verify(copy: Path) -> None:
    """Read a copy whole, and say that it is what was written.

    Raises:
        DataError: if it is not.
    """
    index = Index.read(copy)
    for name, part in index.parts.items():
        images = ShrunkImages(copy, index.form, part)
        images.check_content()
        print_line(f"{copy} {name}: ok, {len(images)} samples, SHA-256 as written")
