"""A parser for the commands that need no LightningCLI."""

from __future__ import annotations

import argparse
from typing import Any, NoReturn

from typing_extensions import override

from entreg.cli.page import Page
from entreg.errors import ConfigError


class CommandParser(argparse.ArgumentParser):
    """``argparse`` whose errors are one line: it raises :class:`ConfigError` instead of printing usage and leaving.

    Its help is a :class:`Page`.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"formatter_class": Page, **options})

    @override
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see {self.prog} --help")
