"""The command line before LightningCLI parses it: run folders become configs, registry names class paths."""

from __future__ import annotations

from entreg.errors import ConfigError
from entreg.losses import find

_KEYWORDS = ("best", "last", "hpc", "registry")


def prepare(args: list[str]) -> list[str]:
    """Rewrite ``--run DIR`` and ``--model.loss NAME``; refuse what could only fail later.

    Raises:
        ConfigError: if there is nothing to run, the loss is unknown, or ``--ckpt_path`` is a keyword.
    """
    command, *options = _split_equals(args)
    if not options:
        example = "--config configs/quickstart.yaml" if command == "fit" else "--run runs/<id>"
        raise ConfigError(f"entreg {command} needs to know what to run: entreg {command} {example}")
    prepared = [command]
    if (folder := _value_of(options, "--run")) is not None:
        from entreg.runs import open_run

        prepared += ["--config", str(open_run(folder).config)]
    for option, value in zip([None, *options], options, strict=False):
        if option == "--ckpt_path" and value in _KEYWORDS:
            raise ConfigError(f"--ckpt_path {value}: name the run instead, entreg {command} --run runs/<id>")
        prepared.append(_class_path(value) if option == "--model.loss" else value)
    return prepared


def _class_path(loss: str) -> str:
    if "." in loss or loss.startswith("-"):
        return loss  # a class path is resolved by the parser
    try:
        return find(loss).class_path
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _split_equals(args: list[str]) -> list[str]:
    """Write ``--key=value`` as two arguments."""
    pairs = (arg.split("=", 1) if arg.startswith("--") and "=" in arg else [arg] for arg in args)
    return [part for pair in pairs for part in pair]


def _value_of(options: list[str], name: str) -> str | None:
    return next((value for option, value in zip(options, options[1:], strict=False) if option == name), None)
