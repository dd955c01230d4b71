"""What the registries of losses and of data sets have in common: import paths, and entries of installed packages."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any


def import_path(cls: type) -> str:
    """Import path of a class from the outermost package that exports it, as a config names it.

    Example:
        >>> from entreg.losses import MixEntLoss
        >>> MixEntLoss.__module__, import_path(MixEntLoss)
        ('entreg.losses.entropy', 'entreg.losses.MixEntLoss')
    """
    name, parts = cls.__qualname__, cls.__module__.split(".")
    packages = [".".join(parts[: depth + 1]) for depth in range(len(parts))]
    exported = [package for package in packages if getattr(sys.modules.get(package), name, None) is cls]
    return f"{(exported or packages[-1:])[0]}.{name}"


def register_installed(group: str, what: str, register: Callable[[Any], Any]) -> None:
    """Register what installed packages add by an entry point; one that is broken is left out with a warning.

    Args:
        group: of entry points.
        what: an entry is, in words.
        register: called with each.
    """
    for entry_point in entry_points(group=group):
        try:
            register(entry_point.load())
        except Exception as error:  # whatever one package does wrong, all other entries are there
            warnings.warn(
                f"the {what} {entry_point.name} = {entry_point.value} of an installed package is left out: "
                f"{type(error).__name__}: {error}",
                stacklevel=3,
            )
