"""A quick start of commands that import much: no garbage collection meanwhile, W&B's process started beside it."""

from __future__ import annotations

import gc
import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from entreg.cli.options import values

_COMMENT = re.compile(r"(^|\s)#.*", re.MULTILINE)
_YAML = re.compile(r"[^\s'\"\[\]{},=]+\.ya?ml\b")
_ASKS_ONLY = ("-h", "--help", "--print_config")


@contextmanager
def collecting_later() -> Iterator[None]:
    """Have Python's garbage collector leave alone what is made meanwhile: modules, which stay until the process ends.

    Else it goes through a million objects again and again while they are imported, and through all of them now and then
    later, to find nothing: a seventh of the start.
    """
    if "lightning" in sys.modules or not gc.isenabled():  # imported already, or off as somebody wants it
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def asks_for_wandb(command: str, options: Sequence[str]) -> bool:
    """Guess, before anything is parsed, whether a command will log to W&B.

    Args:
        command: ``fit``, ``validate`` or ``test``.
        options: the words that follow it.
    """
    logger = [value for _, value in values(options, "--trainer.logger")][-1:]
    asks_only = any(word.startswith(_ASKS_ONLY) or word.partition("=")[0].endswith(".help") for word in options)
    if command != "fit" or logger == ["false"] or asks_only:
        return False
    runs = (str(Path(folder, "config.yaml")) for _, folder in values(options, "--run"))
    return _speaks_of("WandbLogger", " ".join([*options, *runs]), Path(), set())


def import_wandb() -> None:
    """Import all of W&B that a run will need.

    Its models look for their source in every module there is, so that they are made four times as fast before PyTorch
    is imported as after it.
    """
    import wandb.apis.public  # noqa: F401


def start_wandb() -> None:
    """Start W&B's own process, which takes a fifth of a second to answer, as silent as it is to be."""
    import wandb

    wandb.setup(settings=wandb.Settings(show_info=False, show_warnings=False, finish_timeout_raises=True))


def _speaks_of(name: str, text: str, folder: Path, seen: set[Path]) -> bool:
    """Whether a name stands in a text, or in a YAML file that the text or such a file names, relative to its folder."""
    text = _COMMENT.sub("", text)
    if name in text:
        return True
    files = {Path(os.path.realpath(folder / path)) for path in _YAML.findall(text)} - seen  # of a circle of links, too
    seen |= files
    readable = [file for file in files if file.is_file() and os.access(file, os.R_OK)]
    return any(_speaks_of(name, file.read_text(errors="replace"), file.parent, seen) for file in readable)
