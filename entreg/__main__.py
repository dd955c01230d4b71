"""The command line: a table of commands that imports nothing heavy until one is chosen."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from entreg.errors import ConfigError, UserError
from entreg.version import __version__

if TYPE_CHECKING:
    from entreg.losses import LossInfo

_USAGE = """usage: entreg COMMAND [OPTIONS]

  fit       train, then evaluate     entreg fit --config configs/quickstart.yaml
            resume                   entreg fit --run runs/<id>
  validate  evaluate on validation   entreg validate --run runs/<id>
  test      evaluate on test         entreg test --run runs/<id>
  predict   write test predictions   entreg predict --run runs/<id>
            classify your pictures   entreg predict --run runs/<id> --images folder/
  sweep     train many runs          entreg sweep --config configs/sweeps/letters.yaml
  losses    list the losses          entreg losses
            explain one              entreg losses mix_ent
  compare   compare finished runs    entreg compare runs/* --baseline cross_entropy
  data      list, verify, prepare,   entreg data list
            show data sets           entreg data show letters --out sheet.png
  dashboard compare runs in W&B      entreg dashboard --project entreg

  entreg COMMAND --help              all options of a command
  entreg --version
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0: done; 1: failed while running; 2: wrong usage or configuration; 75: stopped, the same command
    goes on; 130: Ctrl-C.

    Args:
        argv: command line without the program's name; default: that of the process.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())  # a user's own file in the working directory: my_file.MyLoss
    if not args or args[0] in ("-h", "--help"):
        print(_USAGE, end="")
        return 0 if args else 2
    if args[0] == "--version":
        print(f"entreg {__version__}")
        return 0
    try:
        if args[0] not in _COMMANDS:
            raise ConfigError(f"unknown command {args[0]!r}, expected one of {', '.join(_COMMANDS)}")
        _COMMANDS[args[0]](args)
    except UserError as error:
        print(f"entreg: {_one_line(error)}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("entreg: interrupted", file=sys.stderr)
        return 130
    return 0


def _one_line(error: UserError) -> str:
    """Say what is wrong in one line, also where a loader's process has wrapped it in its traceback."""
    said = str(error).strip()
    if "Original Traceback" in said:
        said = said.splitlines()[-1].partition(": ")[2]
    return " ".join(said.split())


def _train(args: list[str]) -> None:
    from entreg.cli.shorthand import prepare

    args = prepare(args)
    from entreg.cli.lightning_cli import EntregCLI
    from entreg.cli.machine import quiet

    quiet()
    EntregCLI(args)


def _predict(args: list[str]) -> None:
    if not any(word.partition("=")[0] == "--images" for word in args):
        _train(args)
        return
    from entreg.cli.commands.predict import main as run

    run(args[1:])


def _losses(args: list[str]) -> None:
    from entreg.losses import available, find

    if args[1:2] in (["-h"], ["--help"]):
        print(_USAGE, end="")
        return
    if len(args) > 1:
        try:
            _print_page(find(args[1]))
        except ValueError as error:
            raise ConfigError(str(error)) from error
        return
    rows = [(info.name, info.formula, info.learnable or "-", info.reference) for info in available().values()]
    header = ("name", "loss of a sample", "learnt", "reference")
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _sweep(args: list[str]) -> None:
    from entreg.cli.commands.sweep import main as run

    run(args[1:])


def _data(args: list[str]) -> None:
    from entreg.cli.commands.data import main as run

    run(args[1:])


def _compare(args: list[str]) -> None:
    from entreg.cli.commands.compare import main as run

    run(args[1:])


def _dashboard(args: list[str]) -> None:
    from entreg.cli.commands.dashboard import main as run

    run(args[1:])


def _print_page(info: LossInfo) -> None:
    from inspect import Parameter, getdoc, signature

    parameters = [p.replace(annotation=Parameter.empty) for p in signature(info.cls).parameters.values()]
    call = f"{info.class_path}{signature(info.cls).replace(parameters=parameters, return_annotation=Parameter.empty)}"
    print(f"{info.name}: {info.formula}\nreference: {info.reference}\nlearnt: {info.learnable or 'nothing'}\n")
    print(f"{call}\n\n{getdoc(info.cls)}")
    if options := _options(info.cls):
        print(f"\noptions: {', '.join(options)}")


def _options(cls: type) -> list[str]:
    """What a class takes as ``**options: Unpack[...]``, with the defaults of its base classes."""
    from inspect import Parameter, signature
    from typing import get_args

    from typing_extensions import get_type_hints

    hint = get_type_hints(vars(cls)["__init__"]).get("options")
    if hint is None:
        return []
    inherited: dict[str, Parameter] = {}
    for base in reversed(cls.__mro__[1:]):
        inherited |= signature(base).parameters
    names = get_type_hints(get_args(hint)[0])
    return [str(inherited[name].replace(annotation=Parameter.empty)) for name in names]


_COMMANDS: dict[str, Callable[[list[str]], None]] = {
    "fit": _train,
    "validate": _train,
    "test": _train,
    "predict": _predict,
    "sweep": _sweep,
    "losses": _losses,
    "data": _data,
    "compare": _compare,
    "dashboard": _dashboard,
}

if __name__ == "__main__":
    sys.exit(main())
