"""The command line: a table of commands that imports nothing heavy until one is chosen."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module

from entreg.errors import ConfigError, RunError, UserError
from entreg.text import shown
from entreg.version import __version__

_USAGE = """usage: entreg COMMAND [OPTIONS]

  fit       train, then evaluate     entreg fit --config configs/quickstart.yaml
            resume                   entreg fit --run runs/<id>
  validate  evaluate on validation   entreg validate --run runs/<id>
  test      evaluate on test         entreg test --run runs/<id>
  predict   classify your pictures   entreg predict --run runs/<id> --images folder/
  export    ONNX, torch.export       entreg export --run runs/<id> --out model.onnx
  sweep     train many runs          entreg sweep --config configs/sweeps/letters.yaml
            eight at once            entreg sweep --config configs/sweeps/letters.yaml --workers 8
  runs      list what was trained    entreg runs
  losses    list the losses          entreg losses
            explain one              entreg losses mix_ent
  compare   compare finished runs    entreg compare runs/* --baseline cross_entropy
  data      list, verify, prepare,   entreg data list
            show data sets           entreg data show letters --out sheet.png
            shrink image folders     entreg data shrink DIR --size 160
  dashboard compare runs in W&B      entreg dashboard --project entreg

  entreg COMMAND --help              all options of a command
  entreg --version
"""

# The module of each command; its main() takes the words that follow the command. Those of a Trainer share one module,
# whose main() takes the command too.
_OF_A_TRAINER = ("fit", "validate", "test")
_COMMANDS = {
    "predict": "entreg.cli.commands.predict",
    "export": "entreg.cli.commands.export",
    "sweep": "entreg.cli.commands.sweep",
    "runs": "entreg.cli.commands.runs",
    "losses": "entreg.cli.commands.losses",
    "data": "entreg.cli.commands.data",
    "compare": "entreg.cli.commands.compare",
    "dashboard": "entreg.cli.commands.dashboard",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    0: done; 1: failed while running; 2: wrong usage or configuration; 75: stopped, the same command
    goes on; 130: Ctrl-C.

    Args:
        argv: command line without the program's name; default: that of the process.
    """
    args = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # of a terminal that knows ASCII alone
    try:
        code = _run(args)
        if sys.stdout is not None:  # as after >&-
            sys.stdout.flush()
        return code
    except UserError as error:
        print(f"entreg: {shown(_one_line(error))}", file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        print("entreg: interrupted", file=sys.stderr)
        return 130
    except (OSError, ValueError) as error:
        if sys.stdout is not None and _is_of_output(error):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for what is left to be written
            if not isinstance(error, BrokenPipeError):  # as in | head, whose reader has what it wants
                print(f"entreg: the output cannot be written ({str(error).partition('] ')[2]})", file=sys.stderr)
            return RunError.exit_code
        if (said := _impossible_name(error, args)) is None:
            raise
        print(f"entreg: {shown(said)}", file=sys.stderr)
        return ConfigError.exit_code


def _run(args: list[str]) -> int:
    """Run a command; return 0, or 2 where none is named."""
    if not args or args[0] in ("-h", "--help"):
        print(_USAGE, end="")
        return 0 if args else 2
    if args[0] == "--version":
        print(f"entreg {__version__}")
        return 0
    command, words = args[0], args[1:]
    try:
        here = os.getcwd()
    except FileNotFoundError as error:
        raise RunError("the working directory has been deleted: change to one that is there") from error
    if here not in sys.path:
        sys.path.insert(0, here)  # a user's own file in the working directory: my_file.MyLoss
    if command in _OF_A_TRAINER:
        from entreg.cli import main as run

        run(command, words)
    elif command in _COMMANDS:
        import_module(_COMMANDS[command]).main(words)
    else:
        known = [*_OF_A_TRAINER, *_COMMANDS]
        close = get_close_matches(command, known, n=1)
        expected = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(known)}"
        raise ConfigError(f"unknown command {command!r}, {expected}")
    return 0


def _is_of_output(error: Exception) -> bool:
    """Whether what a command prints cannot be written, as no file is named."""
    return isinstance(error, OSError) and error.filename is None and error.errno in (errno.EPIPE, errno.ENOSPC)


def _one_line(error: UserError) -> str:
    """Say what is wrong in one line, also where a loader's process has wrapped it in its traceback."""
    said = str(error).strip()
    if "Original Traceback" in said:
        said = said.splitlines()[-1].partition(": ")[2]
    return " ".join(said.split())


def _impossible_name(error: OSError | ValueError, args: Sequence[str]) -> str | None:
    """Say which name no file can have, if that is what went wrong, wherever the name came from."""
    if isinstance(error, OSError) and error.errno == errno.ENAMETOOLONG:
        return f"{error.filename}: is too long for the name of a file"
    if isinstance(error, ValueError) and str(error).startswith("embedded null"):
        name = next((word for word in args if "\0" in word), "a name in a config")
        return f"{name}: holds a NUL character, which no name of a file can"
    return None


if __name__ == "__main__":
    sys.exit(main())
