"""Labels as files have them, names or numbers, and the classes that they are of."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from entreg.errors import DataError

_EXACT = 2.0**53  # whole numbers up to it are told apart as floating point


def class_names(labels: NDArray[Any], what: str) -> tuple[str, ...]:
    """Return the names of the classes of training labels, numbers in their order, then words in theirs.

    Args:
        labels: ``(N,)``, of any kind.
        what: the file, for messages.

    Raises:
        DataError: see :func:`names_of`.

    Example:
        >>> class_names(np.array([10, 2, 2]), "train.csv"), class_names(np.array(["b", "a"]), "train.csv")
        (('2', '10'), ('a', 'b'))
    """
    return tuple(sorted(set(names_of(labels, what)), key=_order))


def targets_of(labels: NDArray[Any], classes: tuple[str, ...], what: str, training: str) -> Tensor:
    """Return labels as indices of classes, ``(N,)`` int64.

    Raises:
        DataError: see :func:`names_of`; or if one is of a class that is not in ``training``.
    """
    place = places(classes)
    names = names_of(labels, what)
    if len(unseen := sorted(set(names) - place.keys())):
        raise DataError(f"{what}: has class {unseen[0]!r}, which {training} has not; expected classes that are trained")
    return torch.tensor([place[name] for name in names])


def names_of(values: NDArray[Any], what: str) -> list[str]:
    """Return labels or categories as text, ``1.0`` as ``1``.

    Raises:
        DataError: naming the first row that is empty or holds a number that is not whole.
    """
    import pandas as pd  # late: a training on images needs none

    if values.ndim != 1:
        raise DataError(f"{what}: has the shape {values.shape}, expected one name or number a row")
    if any(isinstance(value, list | dict | np.ndarray) for value in values.tolist()):
        raise DataError(f"{what}: holds lists, expected one name or number a row")
    if values.dtype.kind == "S":
        try:
            values = np.char.decode(values, "utf-8")
        except UnicodeDecodeError as error:
            raise DataError(f"{what}: holds bytes that are no UTF-8, expected names or whole numbers") from error
    empty = pd.isna(values) | np.array(
        [isinstance(value, str) and value == "" for value in values.tolist()], dtype=bool
    )
    if empty.any():
        raise DataError(
            f"{what}: row {int(empty.argmax()) + 1} is empty, expected a name or a number; fill it in or leave it out"
        )
    if np.issubdtype(values.dtype, np.floating):
        broken = ~np.isfinite(values) | (values != np.round(values)) | (np.abs(values) > _EXACT)
        if broken.any():
            first = int(broken.argmax())
            raise DataError(f"{what}: row {first + 1} is {values[first]}, expected names or whole numbers")
        values = values.astype(np.int64)
    return [str(value) for value in values.tolist()]


def places(names: Iterable[str]) -> dict[str, int]:
    """Return the place of each name, and of what a CSV file has in its stead.

    Example:
        >>> places(["007", "A1"])
        {'7': 0, 'A1': 1, '007': 0}
    """
    listed = list(names)
    return {as_among_its_like(name): k for k, name in enumerate(listed)} | {name: k for k, name in enumerate(listed)}


def as_among_its_like(value: Any) -> Any:
    """Return a word of a CSV column of words as its column is read in a file where all others are like it.

    A column of numbers and words is read as words, and the same column as numbers where a file lacks the words.

    Example:
        >>> [as_among_its_like(word) for word in ("007", "1e3", " 2.0", "true", "A1", "18_25")]
        ['7', '1000', '2', 'True', 'A1', '18_25']
    """
    text = value.strip() if isinstance(value, str) else ""
    if text.lower() in ("true", "false"):
        return text.capitalize()
    if re.fullmatch(r"[+-]?\d+", text):
        return str(int(text))
    if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", text) and float(text).is_integer():
        return str(int(float(text)))
    return value


def _order(name: str) -> tuple[bool, int, str]:
    number = name.removeprefix("-").isdecimal()
    return not number, int(name) if number else 0, name
