"""The table of data sets: a name for each, to train on, to evaluate on, to list."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from entreg.data.source import Source, data_root
from entreg.entries import import_path, register_installed
from entreg.errors import ConfigError

ENTRY_POINT_GROUP = "entreg.data"


@dataclass(frozen=True)
class DataInfo:
    """One entry of the registry.

    Args:
        name: what users type and predictions are called by; case, dashes and underscores do not tell names apart.
        cls: the data module's class; called with ``root`` and ``init_args``.
        init_args: arguments that make this data set of the class, as ``{"split": "letters"}``.
        stand_ins: names of data sets that are as good to evaluate on where the files of this one are absent.
    """

    name: str
    cls: type[Source]
    init_args: Mapping[str, Any] = field(default_factory=dict)
    stand_ins: tuple[str, ...] = ()

    @property
    def class_path(self) -> str:
        """Import path of the class from the outermost package that exports it, as a config names it."""
        return import_path(self.cls)

    def make(self, root: Path) -> Source:
        """Return the data set below ``root``."""
        make: Callable[..., Source] = self.cls
        return make(root=str(root), **self.init_args)

    def placed(self, root: Path) -> Source:
        """Return the data set, its files where torchvision puts them and nowhere else below ``root``.

        The files of MNIST and its relatives share their names: lying in the root itself they could be of any of them.
        """
        return self.cls.in_own_folder(root=str(root), **self.init_args)


_registry: dict[str, DataInfo] = {}
_loaded_entry_points = False


def register(info: DataInfo) -> DataInfo:
    """Add an entry to the registry and return it.

    Raises:
        TypeError: if it is not a :class:`DataInfo`.
        ValueError: if the name is taken by another data set.
    """
    if not isinstance(info, DataInfo):
        raise TypeError(f"an entry of the registry is a DataInfo, got {type(info).__name__}")
    taken = _registry.get(_plain(info.name))
    if taken is not None and taken != info:
        raise ValueError(f"data set name {info.name!r} is taken by {taken.name} = {taken.class_path}, choose another")
    _registry[_plain(info.name)] = info
    return info


def available() -> dict[str, DataInfo]:
    """All entries by name: those of entreg, those registered, and those of installed packages.

    A package adds a data set with an entry point in the group ``entreg.data`` that names a :class:`DataInfo`.

    Example:
        >>> [name for name in available() if name.startswith("cifar")]
        ['cifar10', 'cifar100']
    """
    global _loaded_entry_points
    if not _loaded_entry_points:
        register_installed(ENTRY_POINT_GROUP, "data set", register)
        _loaded_entry_points = True
    return {info.name: info for info in _registry.values()}


def find(name: str) -> DataInfo:
    """Return the entry of a name, whatever its case, dashes and underscores.

    Raises:
        ConfigError: if there is none; the message names the closest ones, else all.

    Example:
        >>> find("Fashion_MNIST").name
        'fashionmnist'
    """
    entries = available()
    info = _registry.get(_plain(name))
    if info is not None:
        return info
    close = difflib.get_close_matches(_plain(name), _registry, n=2)
    if close:
        meant = ", ".join(repr(_registry[key].name) for key in close)
        raise ConfigError(f"no data set is called {name!r}, did you mean {meant}? `entreg data list` lists all")
    raise ConfigError(f"no data set is called {name!r}, known are {', '.join(entries)}")


def class_path_of(name: str) -> tuple[str, dict[str, Any]] | None:
    """Class path and arguments that a config needs for a data set of the registry; ``None`` if it has not this name.

    A data set goes by its class, too, which has its defaults then.

    Example:
        >>> class_path_of("letters"), class_path_of("emnist")
        (('entreg.data.EMNIST', {'split': 'letters'}), ('entreg.data.EMNIST', {}))
        >>> class_path_of("ImageFolder") is None
        True
    """
    of_class = {_plain(info.cls.__name__): info.class_path for info in available().values()}
    if (info := _registry.get(_plain(name))) is not None:
        return info.class_path, dict(info.init_args)
    return (of_class[_plain(name)], {}) if _plain(name) in of_class else None


def name_of(class_path: str, init_args: Mapping[str, Any]) -> str:
    """Registry name of the data set that a config makes; the class's own name if it is not registered.

    Example:
        >>> name_of("entreg.data.EMNIST", {"split": "balanced", "batch_size": 100}), name_of("my_data.Digits", {})
        ('balanced', 'Digits')
    """
    for info in available().values():
        if info.class_path == class_path and all(init_args.get(k) == given for k, given in info.init_args.items()):
            return info.name
    return class_path.rpartition(".")[2]


def guest_of(name: str, root: Path) -> Source:
    """Return the data set of a name, or what stands in for it where its test files are absent.

    They are looked for below ``root`` (beside it, if it is a file), then where data are by default.

    Raises:
        ConfigError: if there is none.
    """
    info = find(name)
    roots = dict.fromkeys((root.parent if root.is_file() else root, data_root(None)))
    entries = (info, *(find(other) for other in info.stand_ins))
    candidates = [entry.placed(place) for entry in entries for place in roots]
    return next((data for data in candidates if not data.missing(train=False)), candidates[0])


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "")
