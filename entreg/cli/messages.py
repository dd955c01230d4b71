"""What jsonargparse says of a value it cannot use, told in one line: the key, the value, what was expected."""

from __future__ import annotations

import re
from typing import Any, NoReturn

from entreg.cli.page import Page
from entreg.errors import ConfigError

_CAUSE = re.compile(r"^\s*- (.+?)(?=\n\s*(?:- |Given |Subtypes|Errors)|\Z)", re.MULTILINE | re.DOTALL)
_NOISE = ("Expected a path but", "Does not validate against", "Expected a <class 'NoneType'>")


class OneLineErrors:
    """Mixin of a jsonargparse parser: its errors are one line for the command to print, its help is a :class:`Page`."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **{"formatter_class": Page, **options})

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Raise :class:`ConfigError`."""
        raise ConfigError(readable(message)) from ex


def readable(message: str) -> str:
    r"""Fold a parser's message into one line and leave out its internals.

    Example:
        >>> readable('Parser key "trainer.max_epochs":\n  - Expected a <class \'int\'>\n  Given value: many')
        "trainer.max_epochs: got 'many', expected int"
        >>> readable("unrecognized arguments: --x")
        'unrecognized arguments: --x'
    """
    key = re.search(r'Parser key "([^"]+)"', message)
    causes = dict.fromkeys(" ".join(cause.split()) for cause in _CAUSE.findall(message))
    kept = [_plain(cause) for cause in causes if not cause.startswith(_NOISE)]
    # Members of a union that were not meant say nothing where another one says what is wrong.
    kept = [cause for cause in kept if "does not correspond to a subclass of" not in cause] or kept
    if not kept:
        return " ".join(message.split())
    value = re.search(r"Given value: (.*)", message)
    nested = re.search(r"NestedArg\(key='([^']*)', val='([^']*)'\)", message)
    said = f"got {value[1]!r}, " if value and nested is None and "Namespace(" not in value[1] else ""
    place = f"{key[1]}: " if key else ""
    return f"{place}{said}{' or '.join(kept)}"


def _plain(cause: str) -> str:
    """Say types and class names as a user knows them."""
    cause = re.sub(r"Expected a <class '([^']+)'>", r"expected \1", cause)
    cause = re.sub(r"Expected a typing\.Literal\[(.*)\]", r"expected one of \1", cause)
    cause = re.sub(r"Problem with given class_path '[^']*': ", "", cause)
    return re.sub(
        r"Expected a dot import path string: (\S+)", r"no class named \1 is known here, give its path: module.\1", cause
    )
