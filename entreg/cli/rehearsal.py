"""What is done once before trials are forked: importing what a fit needs, parsing its config, reading its data."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import NoReturn

import pandas  # noqa: F401 - a fit imports these late; here it is time for them
import torchvision.datasets  # noqa: F401
import wandb.sdk  # noqa: F401
from jsonargparse import Namespace
from typing_extensions import override

import entreg.runs.figures  # noqa: F401
from entreg.cli.lightning_cli import Fit, Parser
from entreg.cli.machine import quiet
from entreg.cli.shorthand import expand
from entreg.data import ClassificationDataModule
from entreg.data.kept import keep


def prepare(words: Sequence[str]) -> None:
    """Go through the beginning of ``entreg fit``, as far as nothing is written and no device is touched.

    The parser then knows the classes' signatures, the user's files are imported, and the data are in memory
    (:mod:`entreg.data.kept`), or at least in the system's cache of files. A mistake is left for the trial to report,
    which comes upon it too.

    Args:
        words: of the command line, ``fit`` first.
    """
    quiet()
    keep()
    try:
        Rehearsal(expand(list(words)))
    except RehearsalOver:
        pass
    except (Exception, SystemExit) as error:
        print(f"rehearsal: {type(error).__name__}: {error}", file=sys.stderr)


class RehearsalOver(Exception):
    """Everything was rehearsed."""


class Rehearsal(Fit):
    """``entreg fit`` up to the point where a run folder would be looked for."""

    @override
    def before_instantiate_classes(self) -> NoReturn:
        data = _made(self.config[self.command].data)
        if not (data.missing(train=True) or data.missing(train=False)):  # a trial may download them
            data.setup()
        raise RehearsalOver


def _made(config: Namespace) -> ClassificationDataModule:
    parser = Parser()
    parser.add_lightning_class_args(ClassificationDataModule, "data", subclass_mode=True)
    return parser.instantiate(Namespace(data=config)).data
