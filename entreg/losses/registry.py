"""The registry of losses: one frozen entry for each, from which the CLI, the docs and the tests are made."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from torch import nn

from entreg.entries import import_path, register_installed

ENTRY_POINT_GROUP = "entreg.losses"


@dataclass(frozen=True)
class LossInfo:
    """One entry of the registry.

    Args:
        name: what users type, in snake case.
        cls: the loss class; all its arguments have defaults.
        formula: per-sample loss in plain text.
        reference: paper or library it follows.
        learnable: what of it is learnt, in words; empty for nothing.
        per_sample: whether ``reduction="none"`` gives one value a sample, whose reduction is the loss.
        class_symmetric: whether relabelling the classes leaves the loss unchanged.
        soft: whether the target may be probabilities.
        masking: whether classes other than the target may be switched off by logits of ``-inf``.
        exempt: properties of :func:`entreg.testing.check_loss` that it does not have, as ``("shift",)``.
    """

    name: str
    cls: type[nn.Module]
    formula: str
    reference: str
    learnable: str = ""
    per_sample: bool = True
    class_symmetric: bool = True
    soft: bool = True
    masking: bool = True
    exempt: tuple[str, ...] = ()

    @property
    def class_path(self) -> str:
        """Import path of the class from the outermost package that exports it, as a config names it."""
        return import_path(self.cls)


_registry: dict[str, LossInfo] = {}
_loaded_entry_points = False


def register(info: LossInfo) -> LossInfo:
    """Add an entry to the registry and return it.

    Raises:
        TypeError: if it is not a :class:`LossInfo`.
        ValueError: if the name is taken by another class.
    """
    if not isinstance(info, LossInfo):
        raise TypeError(f"an entry of the registry is a LossInfo, got {type(info).__name__}")
    taken = _registry.get(info.name)
    if taken is not None and taken.cls is not info.cls:
        raise ValueError(f"loss name {info.name!r} is taken by {taken.class_path}, choose another")
    _registry[info.name] = info
    return info


def available() -> dict[str, LossInfo]:
    """All entries by name: those of entreg, those registered, and those of installed packages.

    A package adds a loss with an entry point in the group ``entreg.losses`` that names a :class:`LossInfo`.

    Example:
        >>> [name for name in available() if name.endswith("_ent")]
        ['min_ent', 'mix_ent']
    """
    global _loaded_entry_points
    if not _loaded_entry_points:
        register_installed(ENTRY_POINT_GROUP, "loss", register)
        _loaded_entry_points = True
    return dict(_registry)


def find(name: str) -> LossInfo:
    """Return the entry of a loss by its registry name or its class name.

    Raises:
        ValueError: if there is none; the message names the closest ones.

    Example:
        >>> find("mix_ent").cls.__name__
        'MixEntLoss'
        >>> find("mixent")
        Traceback (most recent call last):
            ...
        ValueError: unknown loss 'mixent', did you mean 'mix_ent', 'min_ent'? `entreg losses` lists all
    """
    by_name = available()
    by_class = {info.cls.__name__: info for info in by_name.values()}
    if name in by_name:
        return by_name[name]
    if name in by_class:
        return by_class[name]
    close = difflib.get_close_matches(name, [*by_name, *by_class], n=2)
    hint = f", did you mean {', '.join(map(repr, close))}?" if close else "."
    raise ValueError(f"unknown loss {name!r}{hint} `entreg losses` lists all")


def name_of(class_path: str) -> str:
    """Registry name of the loss with this class path; the class's own name if it is not registered.

    Example:
        >>> name_of("entreg.losses.MixEntLoss"), name_of("my_file.MyLoss")
        ('mix_ent', 'MyLoss')
    """
    names = {info.class_path: info.name for info in available().values()}
    return names.get(class_path, class_path.rpartition(".")[2])


def create(name: str, **kwargs: Any) -> nn.Module:
    """Instantiate a loss by its registry name.

    Raises:
        ValueError: if the name is unknown or an argument is out of its range.

    Example:
        >>> create("mix_ent", eps=1e-4).eps
        0.0001
    """
    return find(name).cls(**kwargs)
