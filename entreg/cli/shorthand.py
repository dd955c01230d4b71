"""The command line before LightningCLI parses it: run folders become configs, registry names class paths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from entreg.cli.options import values
from entreg.errors import ConfigError
from entreg.losses import find
from entreg.models import __all__ as _ALL_NETS
from entreg.runs import Run, check_unchanged, open_run, read_config, read_summary
from entreg.runs.former import WARP, is_warped
from entreg.trust import check_config

_KEYWORDS = ("best", "last", "hpc", "registry")
_LISTS = ("--data.ood", "--data.shift", "--data.corruptions", "--data.mean", "--data.std")
_NETS = {name.lower(): name for name in _ALL_NETS}


def expand(args: list[str]) -> list[str]:
    """Rewrite ``--run DIR`` and the names after ``--model.loss``, ``--model.net`` and ``--data``.

    What could only fail later is refused.

    Raises:
        ConfigError: if there is nothing to run, the loss is unknown, ``--ckpt_path`` is a keyword, or the config of
            ``--run`` names what only ``--trust`` lets it name.
        RunError: if ``--run`` is not a run folder.
    """
    command, *options = args
    if not options:
        example = "--config configs/quickstart.yaml" if command == "fit" else "--run runs/<id>"
        raise ConfigError(f"entreg {command} needs to know what to run: entreg {command} {example}")
    for _, value in values(options, "--ckpt_path"):
        if value in _KEYWORDS:
            raise ConfigError(f"--ckpt_path {value}: name the run instead, entreg {command} --run runs/<id>")
    for position, value in _named(options, "--model.loss"):
        options[position] = options[position].removesuffix(value) + _class_path(value)
    for position, value in _named(options, "--model.net"):
        if (net := value.lower()) in _NETS:  # the parser would find two MLP: torchvision has one as well
            options[position] = options[position].removesuffix(value) + f"entreg.models.{_NETS[net]}"
    for position, value in sorted(_named(options, "--data"), reverse=True):  # from behind, as words are put in
        class_path, init_args = _data_set(value)
        options[position] = options[position].removesuffix(value) + class_path
        options[position + 1 : position + 1] = [f"--data.{key}={given}" for key, given in init_args.items()]
    for option in _LISTS:
        for position, value in values(options, option):
            if value != "null" and not value.startswith("["):  # one name, or several with commas between them
                options[position] = f"{options[position].removesuffix(value)}[{value}]"
    trust = "--trust" in options
    configs = [_words_of(folder, trust) for _, folder in values(options, "--run")]
    return [command, *(word for words in configs for word in words), *options]


def config_words(run: Run, config: Mapping[str, Any]) -> list[str]:
    """Return the words that give the parser the config of a run, of whatever version.

    A former one may give the options of ``Warp`` without the class, which the parser then has to know beforehand.

    Args:
        run: its folder.
        config: what :func:`entreg.runs.read_config` makes of its config.
    """
    known = [f"--data={config['data']['class_path']}", f"--data.augment={WARP}"] if is_warped(config) else []
    return [*known, "--config", str(run.config)]


def _named(options: list[str], option: str) -> list[tuple[int, str]]:
    """Where a class is named, to be used or to be explained."""
    return [*values(options, option), *values(options, f"{option}.help")]


def _words_of(folder: str, trust: bool) -> list[str]:
    """Words for the config of a run folder: whole, trusted, and as it was written."""
    run = open_run(folder)
    config = read_config(run)
    if not trust:
        check_config(config, run.config)
    check_unchanged(run, read_summary(run), (run.config,))
    return config_words(run, config)


def _class_path(loss: str) -> str:
    if "." in loss or loss.startswith("{"):
        return loss  # a class path or a whole config is for the parser
    try:
        return find(loss).class_path
    except ValueError as error:
        raise ConfigError(str(error)) from error


def _data_set(data: str) -> tuple[str, dict[str, Any]]:
    """Class path and arguments of a data set of the registry; what has another name is for the parser."""
    if "." in data or data.startswith("{"):
        return data, {}
    from entreg.data import class_path_of  # imports Lightning, which takes seconds

    return class_path_of(data) or (data, {})
