"""What the config of a run folder may name, which may be a stranger's: classes that are known, and no file.

The parser imports a class wherever a text looks like its path, and opens a file wherever a text is the name of one. So
a config that nobody vouches for is looked through before it is parsed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from entreg.errors import ConfigError

# Classes alone, as functions and modules hold more than they say; and none that writes where its arguments tell it to.
_KNOWN = re.compile(
    r"entreg\.(losses|models|data|schedules)\.[A-Z]\w*"
    r"|torch\.(nn|optim|optim\.lr_scheduler)\.[A-Z]\w*"
    r"|entreg\.callbacks\.RandomRateOnPlateau"
    r"|entreg\.loggers\.(wandb\.)?SafeWandbLogger"
    r"|lightning\.pytorch\.callbacks\.(EarlyStopping|(EMA)?WeightAveraging|GradientAccumulationScheduler|Timer)"
    r"|lightning\.pytorch\.callbacks\.(LearningRateMonitor|DeviceStatsMonitor|(Rich)?ModelSummary)"
    r"|lightning\.pytorch\.loggers\.WandbLogger"
    r"|lightning\.pytorch\.strategies\.DDPStrategy"
)
_CONFIG = re.compile(r"[{\[\n]|:\s|^- |^-$|://|::")  # a config in a text, standard input, or something far away
_OTHERS = ("entreg", "lightning", "pytorch_lightning", "torch", "torchvision", "timm")  # nobody's own
_HANDED_ON = {"dict_kwargs", "options", "settings"}  # to other libraries, which may open what a text names
_ROOT = "data.init_args.root"  # a folder or a table of data, which is read as nothing else
_ENCODER = "encoder"  # of texts: the name of a model, but not a folder, which brings code and files of its own


def check_config(content: Any, path: Path, own: Collection[str] = ()) -> None:
    """Refuse the config of a run folder that would import or read what is neither of entreg nor the user's own.

    It may name classes of entreg, those that installed packages register as losses or data sets, and all in the modules
    that the environment variable ``ENTREG_TRUST`` names, separated by commas. What encodes texts may be a model by its
    name, but no folder.

    Args:
        content: of the config, as plain YAML.
        path: its file; files that it names are looked for beside it too.
        own: what else it may name, such as what stands in a config of the user's.

    Raises:
        ConfigError: naming the key and the value.
    """
    for key, text in _texts(content):
        last = key.rpartition(".")[2]
        if last == "name" or _is_known(text) or text in own:
            continue
        if last == "class_path" or _can_be_imported(text):
            module = text.rpartition(".")[0] or text
            hint = f"; if {module} is your own, ENTREG_TRUST={module} in the environment says so"
            raise ConfigError(
                f"{path}: {key} names {text}, whose code would run; if you trust the folder, add --trust"
                f"{'' if module.partition('.')[0] in _OTHERS else hint}"
            )
        if last == _ENCODER and _is_folder(text, path.parent):
            raise ConfigError(
                f"{path}: {key} names the folder {text}, whose model would be loaded; if you trust both, add --trust"
            )
        opened = key != _ROOT and _is_file(text, path.parent)
        if _HANDED_ON & set(key.split(".")) or _CONFIG.search(text) or opened:
            raise ConfigError(
                f"{path}: {key} is {text!r}, which might be opened as a file; if you trust the folder, add --trust"
            )


def named_in(content: Any) -> set[str]:
    """Return every text in a config, parsed or not; a function is the text that names it.

    Example:
        >>> sorted(named_in({"loss": {"class_path": "my_losses.Taylor", "init_args": {"weights": "w.pt", "order": 3}}}))
        ['my_losses.Taylor', 'w.pt']
    """
    return {text for _, text in _texts(content)}


def _texts(content: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Every text in a config, and every function as the text that names it, with its dotted key."""
    if isinstance(content, Mapping):
        for part, value in content.items():
            yield from _texts(value, f"{key}.{part}" if key else str(part))
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _texts(value, key)
    elif isinstance(content, str):
        yield key, content
    elif hasattr(content, "__qualname__"):
        yield key, f"{content.__module__}.{content.__qualname__}"


def _is_known(text: str) -> bool:
    if not _is_path(text):
        return False
    module = text.rpartition(".")[0]
    vouched = {word.strip() for word in os.environ.get("ENTREG_TRUST", "").split(",")}
    return bool(_KNOWN.fullmatch(text)) or module in vouched or text in _registered()


def _registered() -> set[str]:
    from entreg import data, losses  # late: Lightning takes seconds, and is seldom needed here

    return {info.class_path for room in (losses, data) for info in room.available().values()}


def _can_be_imported(text: str) -> bool:
    """Whether a text is the path of something in a module that is found; looking for one runs no code."""
    try:
        return _is_path(text) and find_spec(text.partition(".")[0]) is not None
    except ValueError:  # of a module that was imported in an unusual way
        return True


def _is_path(text: str) -> bool:
    """Whether a text is a dotted path to import, as the parser sees it."""
    return "." in text and all(part.isidentifier() for part in text.split("."))


def _is_folder(text: str, folder: Path) -> bool:
    """Whether a text names a folder, from the working directory or from another, or is written as one."""
    places = (os.path.expanduser(text), os.path.join(folder, text))
    return text.startswith((".", "/", "~")) or any(os.path.isdir(place) for place in places)


def _is_file(text: str, folder: Path) -> bool:
    """Whether a text names what can be read, from the working directory or from a folder."""
    places = (os.path.expanduser(text), os.path.join(folder, text))
    return any(os.path.exists(place) and not os.path.isdir(place) for place in places)
