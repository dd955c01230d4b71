"""The options of a class that is named on the command line: of a data set, a network, a loss, a schedule."""

from __future__ import annotations

import argparse
from functools import partial
from importlib import import_module
from inspect import Parameter, signature
from typing import Any

from docstring_parser import parse
from jsonargparse import ArgumentParser
from typing_extensions import override

from entreg.cli.page import Page, default_words

# What a class may be named for, what it is called, and which of its arguments are no options.
KINDS: dict[str, tuple[str, set[str]]] = {
    "data": ("data set", {"seed"}),
    "model.net": ("network", {"in_channels", "num_classes"}),
    "model.loss": ("loss", set()),
    "model.schedule": ("schedule", {"optimizer", "total_steps"}),
}


def class_page(make: type[ArgumentParser], key: str, class_path: str) -> str:
    """Return a page of the options of a class.

    Args:
        make: class of the parser.
        key: what the class is named for, one of :data:`KINDS`.
        class_path: of the class.
    """
    kind, skipped = KINDS[key]
    module, _, name = class_path.rpartition(".")
    cls = getattr(import_module(module), name)
    formatter: Any = partial(_ClassPage, inherited=_inherited(cls))
    parser = make(usage=argparse.SUPPRESS, description="", add_help=False, formatter_class=formatter)
    group = parser.add_argument_group(f"Options of the {kind} {name}")
    group.add_class_arguments(cls, key, as_group=False, skip=skipped, fail_untyped=False)
    return parser.format_help()


class _ClassPage(Page):
    """A page that says of what a class takes as ``**options`` what its base classes say of it.

    Args:
        prog: name of the program.
        inherited: by the name of an argument, what is said of it.
    """

    def __init__(self, prog: str, inherited: dict[str, str]) -> None:
        super().__init__(prog)
        self.inherited = inherited

    @override
    def words_for(self, action: argparse.Action) -> str | None:
        words = super().words_for(action)
        return self.inherited.get(action.dest.rpartition(".")[2], "") if words == "" else words


def _inherited(cls: type) -> dict[str, str]:
    """Words and default of the arguments of the base classes."""
    found: dict[str, str] = {}
    for base in reversed(cls.__mro__[1:-1]):
        defaults = signature(base).parameters
        for said in parse(base.__doc__ or "").params:
            default = defaults[said.arg_name].default if said.arg_name in defaults else Parameter.empty
            unsaid = default in (Parameter.empty, None)
            found[said.arg_name] = (said.description or "") + ("" if unsaid else default_words(default))
    return found
