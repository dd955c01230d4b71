"""``entreg losses``: the losses that are registered, and one of them in full."""

from __future__ import annotations

from collections.abc import Sequence
from inspect import Parameter, getdoc, signature
from typing import get_args

from typing_extensions import get_type_hints

from entreg.cli.page import without_markup
from entreg.cli.parser import CommandParser
from entreg.console import print_columns
from entreg.errors import ConfigError
from entreg.losses import LossInfo, available, find


def main(args: Sequence[str]) -> None:
    """Run ``entreg losses [NAME]``.

    Raises:
        ConfigError: on wrong usage, or if no loss has this name.
    """
    parser = CommandParser(prog="entreg losses", description="List the losses that are registered, or explain one.")
    parser.add_argument("name", nargs="?", metavar="NAME", help="a loss, by its registry name or its class")
    name = parser.parse_args(list(args)).name
    if name is None:
        _print_list()
        return
    try:
        _print_page(find(name))
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _print_list() -> None:
    rows = [(info.name, info.formula, info.learnable or "-", info.reference) for info in available().values()]
    print_columns([("name", "loss of a sample", "learnt", "reference"), *rows])


def _print_page(info: LossInfo) -> None:
    parameters = [p.replace(annotation=Parameter.empty) for p in signature(info.cls).parameters.values()]
    call = f"{info.class_path}{signature(info.cls).replace(parameters=parameters, return_annotation=Parameter.empty)}"
    print(f"{info.name}: {info.formula}\nreference: {info.reference}\nlearnt: {info.learnable or 'nothing'}\n")
    print(f"{call}\n\n{without_markup(getdoc(info.cls) or '')}")
    if options := _options(info.cls):
        print(f"\noptions: {', '.join(options)}")


def _options(cls: type) -> list[str]:
    """What a class takes as ``**options: Unpack[...]``, with the defaults of its base classes."""
    hint = get_type_hints(vars(cls)["__init__"]).get("options")
    if hint is None:
        return []
    inherited: dict[str, Parameter] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited |= signature(base).parameters
    names = get_type_hints(get_args(hint)[0])
    return [str(inherited[name].replace(annotation=Parameter.empty)) for name in names]
