"""A parser for the commands that need no LightningCLI."""

from __future__ import annotations

import argparse
from typing import NoReturn

from typing_extensions import override

from entreg.errors import ConfigError


class CommandParser(argparse.ArgumentParser):
    """``argparse`` whose errors are one line: it raises :class:`ConfigError` instead of printing usage and leaving."""

    @override
    def error(self, message: str) -> NoReturn:
        raise ConfigError(f"{message}; see {self.prog} --help")
