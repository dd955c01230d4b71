"""What a user may have meant by an option, or by the name of a class, that is not known."""

from __future__ import annotations

import argparse
import difflib
import re
from collections.abc import Iterable, Mapping
from importlib import import_module

_UNKNOWN = re.compile(
    r"^Option '([^']+)' is not accepted$|does not accept option '([^']+)'|unrecognized arguments: (.*)"
)
_OPTION = re.compile(r"^ +(?:-\w, )?--([A-Za-z]\w*(?:\.\w+)*)", re.MULTILINE)  # not those that a sentence names
_OF_FIT = "OPTIONS OF FIT"  # in the usage of a command that takes such behind --
_ALIKE = 0.7  # of 1, for the same letters in the same order
_USUAL = {  # what options are called elsewhere
    "lr": "model.optimizer.lr",
    "learning_rate": "model.optimizer.lr",
    "weight_decay": "model.optimizer.weight_decay",
    "seed": "seed_everything",
}
_FEW = 20  # options that are listed where none is like the one that was given


def close_to(word: str, known: Iterable[str]) -> str | None:
    """Return what of ``known`` is most like a word, or ends most like it; ``None`` if nothing is.

    Example:
        >>> [close_to(word, ["root", "trainer.max_epochs"]) for word in ("data.root", "epochs", "roott", "seed")]
        ['root', 'trainer.max_epochs', 'root', None]
    """
    best = max(known, key=lambda name: _likeness(word, name), default=None)
    return None if best is None or _likeness(word, best) < _ALIKE else best


def _likeness(word: str, name: str) -> float:
    pairs = ((word, name), (word.rpartition(".")[2], name.rpartition(".")[2]))
    return max(difflib.SequenceMatcher(None, one.lower(), other.lower()).ratio() for one, other in pairs)


def unknown_option(message: str, parser: argparse.ArgumentParser) -> str | None:
    """Say what was meant by an option that a parser does not know; ``None`` if that is not what it complains of.

    Args:
        message: what the parser says.
        parser: whose help lists the options that there are.
    """
    if (found := _UNKNOWN.search(message)) is None:
        return None
    words = next(group for group in found.groups() if group is not None).split()
    word = next((word for word in words if word.startswith("-")), words[0]).partition("=")[0]
    if word.endswith((".yaml", ".yml")):
        return f"{word} stands there without an option, did you mean --config {word}?"
    if not word.startswith("-") and "unrecognized" in message:
        return None
    dashes = "--" if word.startswith("--") else ""
    known = _OPTION.findall(parser.format_help())
    groups = [name.rpartition(".")[0] for name in known if "." in name]
    name = word.lstrip("-")
    if "." in name and _OF_FIT in (parser.usage or ""):
        return f"{word} is no option of this command; those of entreg fit stand behind --, as in: -- {word} VALUE"
    usual = _USUAL.get(name.rpartition(".")[2], "")
    if usual.partition(".")[0] in {known_name.partition(".")[0] for known_name in known}:
        return f"there is no option {word}, did you mean {dashes}{usual}?"
    if meant := close_to(name, [*known, *groups]):
        return f"there is no option {word}, did you mean {dashes}{meant}?"
    listed = sorted(f"{dashes}{name}" for name in {*known} - {"help", "print_config"})
    return f"there is no option {word}" + (f", only {', '.join(listed)}" if len(listed) <= _FEW else "")


def names_class(option: str) -> bool:
    """Whether an option takes the name of a class that is known by it."""
    return bool(_names(option))


def class_hint(option: str, name: str) -> str:
    """Say how a class can be named that is not known.

    Args:
        option: that names it, as ``model.net``.
        name: its name.
    """
    names = _names(option)
    meant = names.get(name) or names.get(close_to(name, names) or "")
    if meant:
        return f"did you mean {meant}?"
    of_timm = _of_timm(name) if option == "model.net" else ""
    return of_timm or f"give its path: module.{name}"


def _names(option: str) -> dict[str, str]:
    """Names that an option takes on a command line, and what to write in any place."""
    if option == "data":
        from entreg.data import available

        data = {info.cls.__name__: info.cls.__name__ for info in available().values()} | {"ImageFolder": "ImageFolder"}
        of_arguments = {name: _spelt(info.cls.__name__, info.init_args) for name, info in available().items()}
        return data | of_arguments
    if option == "model.loss":
        from entreg.losses import available as losses

        names = {info.cls.__name__: info.cls.__name__ for info in losses().values()}
        return names | {name: info.cls.__name__ for name, info in losses().items()}
    return {name: name for name in _exported(option)}


def _spelt(name: str, init_args: Mapping[str, object]) -> str:
    return " with ".join([name, *(f"{key}: {value}" for key, value in init_args.items())])


def _exported(option: str) -> list[str]:
    """Names of the classes that the packages behind an option export."""
    packages = {
        "model.net": ["entreg.models"],
        "model.optimizer": ["torch.optim"],
        "model.schedule": ["entreg.schedules", "torch.optim.lr_scheduler"],
        "trainer.callbacks": ["lightning.pytorch.callbacks", "entreg.callbacks"],
        "trainer.logger": ["lightning.pytorch.loggers"],
    }
    return [name for package in packages.get(option, ()) for name in import_module(package).__all__]


def _of_timm(name: str) -> str:
    """Say how a network of timm is named, if it has the network."""
    how = f"--model.net Timm --model.net.name {name}"
    try:
        import timm  # seconds to import, and optional
    except ModuleNotFoundError:
        return f"if it is a network of timm: pip install 'entreg[timm]', then {how}; else give its path: module.{name}"
    return f"it is of timm: {how}" if timm.is_model(name) else ""
