"""From columns of a table to features: numbers as they are, categories one-hot by declaration."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from entreg.data.vectors.labels import names_of, places
from entreg.data.vectors.tables import Part, column
from entreg.errors import ConfigError, DataError

_ROUNDED = 0.01  # of a standard deviation may be lost to float32


@dataclass(frozen=True)
class Column:
    """How a column becomes features.

    Attributes:
        name: of the column.
        width: number of its features.
        values: of a category, in the order of its features; ``None`` of numbers.
    """

    name: str
    width: int
    values: tuple[str, ...] | None = None

    def feature_name(self, index: int) -> str:
        """Name of one of its features.

        Example:
            >>> Column("age", 1).feature_name(0), Column("colour", 2, ("blue", "red")).feature_name(1)
            ("column 'age'", "column 'colour' = 'red'")
        """
        if self.values is not None:
            return f"column {self.name!r} = {self.values[index]!r}"
        return f"column {self.name!r}" + (f"[{index}]" if self.width > 1 else "")


class Layout:
    """The columns that are features, in order, as those of the training file are.

    Args:
        columns: each once.
    """

    def __init__(self, columns: Iterable[Column]) -> None:
        self.columns = tuple(columns)

    @classmethod
    def of(cls, training: Part, categories: Sequence[str], left_out: Sequence[str]) -> Layout:
        """Return the layout of a training file.

        Args:
            training: the training rows.
            categories: columns that are one-hot.
            left_out: columns that are no features.

        Raises:
            ConfigError: if no column is left.
            DataError: if a column that is named is not there, or one is neither numbers nor declared a category.
        """
        for name in (*categories, *left_out):
            column(training, name, "look at data.categories and data.drop")
        chosen = [name for name in training.columns if name not in left_out]
        if not chosen:
            raise ConfigError(f"{training.name}: no column is left to be a feature; look at data.drop and data.label")
        if "" in chosen:
            raise DataError(
                f"{training.name}: a column has no name, as row numbers have none; name it, or leave it out with "
                "--data.drop '[\"\"]'"
            )
        found = []
        for name in chosen:
            if name in categories:
                values = tuple(sorted(set(names_of(training.columns[name], _where(training, name)))))
                found.append(Column(name, len(values), values))
            else:
                found.append(Column(name, _numbers(training, name, check=True).shape[1]))
        return cls(found)

    @classmethod
    def from_plain(cls, columns: Iterable[Mapping[str, Any]]) -> Layout:
        """Return the layout that :meth:`plain` has put in plain values."""
        return cls(
            Column(str(given["name"]), int(given["width"]), given["values"] and tuple(map(str, given["values"])))
            for given in columns
        )

    def plain(self) -> list[dict[str, Any]]:
        """Return the layout in plain values."""
        return [asdict(each) | {"values": each.values and list(each.values)} for each in self.columns]

    @property
    def indicators(self) -> Tensor:
        """Which features are those of categories, ``(D,)`` bool."""
        return torch.tensor([each.values is not None for each in self.columns for _ in range(each.width)])

    def feature_name(self, index: int) -> str:
        """Name of a feature by its index."""
        names = [each.feature_name(k) for each in self.columns for k in range(each.width)]
        return names[index]

    def features(self, part: Part) -> Tensor:
        """Return the features of rows, ``(N, D)`` float32.

        Args:
            part: rows, with other columns or without; those of the layout are found by name.

        Raises:
            DataError: if a column is absent, holds another number of features, no numbers, or an unseen category.
        """
        return torch.from_numpy(np.concatenate([self._block(part, each) for each in self.columns], axis=1))

    def _block(self, part: Part, each: Column) -> NDArray[np.float32]:
        values = column(part, each.name, "the run was trained on it")
        where = _where(part, each.name)
        if each.values is None:
            numbers = _numbers(part, each.name)
            if numbers.shape[1] != each.width:
                raise DataError(f"{where}: rows of {numbers.shape[1]} numbers, expected {each.width} as in training")
            return numbers
        place = places(each.values)
        names = names_of(values, where)
        if len(unseen := sorted(set(names) - place.keys())):
            raise DataError(f"{where}: has category {unseen[0]!r}, which training has not; mend the row")
        return np.eye(each.width, dtype=np.float32)[[place[name] for name in names]]


def _numbers(part: Part, name: str, check: bool = False) -> NDArray[np.float32]:
    """Return a column of numbers, or of lists of as many numbers, ``(N, width)``; ``check`` if float32 holds them."""
    values, where = part.columns[name], _where(part, name)
    if values.dtype == object and any(isinstance(row, list | np.ndarray) for row in values):
        widths = {len(row) if isinstance(row, list | np.ndarray) else 0 for row in values}
        if len(widths) > 1:
            raise DataError(f"{where}: rows of {min(widths)} and of {max(widths)} numbers, expected as many in each")
        if widths == {0}:
            raise DataError(f"{where}: holds rows of no numbers; leave it out with --data.drop '[{name}]'")
    try:
        if values.dtype == object:
            values = np.stack(list(values))
        if values.dtype.kind in "mMc":
            raise TypeError(f"but {values.dtype}")
        if values.dtype.kind in "OU" and (words := [word for word in values.flat if "_" in str(word)]):
            raise ValueError(f"but {str(words[0])!r}")  # which Python takes for a number of many digits
        values = values.reshape(len(values), -1)
        if check and values.dtype.itemsize > 4 and (lost := _lost(values.astype(np.float64))).any():
            raise DataError(
                f"{where}: numbers up to {np.abs(values[:, lost]).max():.4g} that differ by little are one in float32; "
                f"subtract what they have in common, or leave it out with --data.drop '[{name}]'"
            )
        with np.errstate(over="ignore"):  # what is infinite is told by its feature
            return np.ascontiguousarray(values, dtype=np.float32)
    except (ValueError, TypeError) as error:
        raise DataError(
            f"{where}: holds no numbers ({error}); declare it with --data.categories '[{name}]', or leave it out with "
            f"--data.drop '[{name}]'"
        ) from error


def _lost(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which columns float32 rounds by more than a hundredth of their standard deviation."""
    with np.errstate(all="ignore"):
        spread = values.std(0)
        return (spread > 0) & (np.abs(values).max(0) * 2.0**-24 > _ROUNDED * spread)


def _where(part: Part, name: str) -> str:
    return f"{part.name}, column {name!r}"
