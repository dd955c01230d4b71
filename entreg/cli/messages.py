"""What jsonargparse says of a value it cannot use, told in one line: the key, the value, what was expected."""

from __future__ import annotations

import re
from argparse import ArgumentParser
from typing import Any, NoReturn

from entreg.cli.layers import broken
from entreg.cli.page import Page
from entreg.cli.suggest import class_hint, names_class, unknown_option
from entreg.errors import ConfigError

_CAUSE = re.compile(r"^\s*- (.+?)(?=\n\s*(?:- |Given |Subtypes|Errors)|\Z)", re.MULTILINE | re.DOTALL)
_LIST = re.compile(r'Parser key "([^"]+)": expected collections\.abc\.Sequence\. Got value: (\S+)')
_ABSENT = re.compile(r"--(\w+)(?: and --\w+)* must be given")  # of the parser of a class
_NOISE = ("Expected a path but", "Does not validate against", "Expected a <class 'NoneType'>")


class OneLineErrors(ArgumentParser):
    """Mixin of a jsonargparse parser: its errors are one line for the command to print, its help is a :class:`Page`.

    Attributes:
        of_command: parser of the one command that it has, if it has one, whose options are meant.
    """

    of_command: ArgumentParser | None = None

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"formatter_class": Page, "allow_abbrev": False, **options})

    def parse_args(self, args: Any = None, *more: Any, **options: Any) -> Any:
        """Parse a command line; a YAML file that is none is named, which its parser does not."""
        try:
            return super().parse_args(args, *more, **options)
        except ConfigError as error:
            if (said := broken(args or ())) is None:
                raise
            raise ConfigError(said) from error

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise :class:`ConfigError`."""
        raise ConfigError(unknown_option(message, self.of_command or self) or readable(message)) from ex


def readable(message: str) -> str:
    r"""Fold a parser's message into one line and leave out its internals.

    Example:
        >>> readable('Parser key "trainer.max_epochs":\n  - Expected a <class \'int\'>\n  Given value: many')
        "trainer.max_epochs: got 'many', expected int"
        >>> readable("unrecognized arguments: --x")
        'unrecognized arguments: --x'
    """
    if required := re.search("the following arguments are required: (.*)", message):
        return _required([name.strip() for name in required[1].split(",")])
    key = re.search(r'Parser key "([^"]+)"', message)
    causes = dict.fromkeys(" ".join(cause.split()) for cause in _CAUSE.findall(message))
    kept = [_plain(cause, key[1] if key else "") for cause in causes if not cause.startswith(_NOISE)]
    # Members of a union that were not meant say nothing where another one says what is wrong.
    kept = [cause for cause in kept if "does not correspond to a subclass of" not in cause] or kept
    of_class = [cause for cause in kept if cause.startswith("no class named")]
    kept = (of_class if key and names_class(key[1]) else [cause for cause in kept if cause not in of_class]) or kept
    if key and (absent := [option for cause in kept for option in _ABSENT.findall(cause)]):
        return f"{key[1]}: the class needs more: --{key[1]}.{absent[0]} VALUE"
    if not kept:
        return " ".join(message.replace('Parser key "config":', "--config:").split())
    value = re.search(r"Given value: (.*)", message)
    nested = re.search(r"NestedArg\(key='([^']*)', val='([^']*)'\)", message)
    said = f"got {value[1]!r}, " if value and nested is None and not value[1].startswith(("{", "Namespace(")) else ""
    place = f"{key[1]}: " if key else ""
    return f"{place}{said}{' or '.join(kept)}"


def _required(names: list[str]) -> str:
    """Say what has to be named; options of a Trainer's command begin with the command."""
    options = [f"--{name.removeprefix(f'{command}.')}" for name in names for command in [name.partition(".")[0]]]
    config = "configs/quickstart.yaml" if any("." in name for name in names) else "configs/sweeps/letters.yaml"
    return f"{' and '.join(options)} must be given, here or in a config, as --config {config}"


def _plain(cause: str, key: str) -> str:
    """Say types and class names as a user knows them."""
    cause = re.sub(r"Expected a <class '([^']+)'>", r"expected \1", cause)
    cause = re.sub(r"Expected a typing\.Literal\[(.*)\]", r"expected one of \1", cause)
    cause = re.sub(r"Problem with given class_path '[^']*': ", "", cause)
    cause = _LIST.sub(r"\1 is a list: [\2]", cause)
    cause = re.sub(r'Parser key "([^"]+)": ', r"\1: ", cause)
    name = re.fullmatch(r"Expected a dot import path string: (\S+)", cause)
    return f"no class named {name[1]} is known here, {class_hint(key, name[1])}" if name else cause
