"""A parser for the commands that need no LightningCLI."""

from __future__ import annotations

import argparse
import re
from typing import Any, NoReturn

from typing_extensions import override

from entreg.cli.page import Page
from entreg.cli.suggest import close_to, unknown_option
from entreg.errors import ConfigError


class CommandParser(argparse.ArgumentParser):
    """``argparse`` whose errors are one line: it raises :class:`ConfigError` instead of printing usage and leaving.

    Its help is a :class:`Page`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": Page, **options})

    @override
    def error(self, message: str) -> NoReturn:
        said = unknown_option(message, self) or _unknown_choice(message) or message
        raise ConfigError(f"{said}{' See' if said.endswith('?') else '; see'} {self.prog} --help")

    @override
    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        found, rest = super().parse_known_args(args, namespace)
        if rest:  # said here, where the options of a command of a command are known
            self.error(f"unrecognized arguments: {' '.join(rest)}")
        return found, rest


def _unknown_choice(message: str) -> str | None:
    if (found := re.search(r"invalid choice: '?([^' ]+)'? \(choose from (.*)\)", message)) is None:
        return None
    known = found[2].replace("'", "").split(", ")
    meant = close_to(found[1], known)
    return f"got {found[1]}, " + (f"did you mean {meant}?" if meant else f"expected one of {', '.join(known)}")
