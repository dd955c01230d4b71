"""Tables of a user's own, one column of which is the class of each row."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from entreg.data.vectors.labels import class_names, targets_of
from entreg.data.vectors.tables import Part, column, read_parts

_ADVICE = "name it with --data.label"


class LabelledTables:
    """The rows of training, test and, where they are given, validation; classes are those of training.

    Args:
        root: see :func:`entreg.data.vectors.tables.read_parts`.
        label: column of the classes.
        as_text: see there.

    Attributes:
        training: the training rows.
        classes: their classes.

    Raises:
        DataError: see there; or if a row has no label.
    """

    def __init__(self, root: Path, label: str, as_text: bool = False) -> None:
        self._parts = read_parts(root, label, as_text)
        self.label = label
        self.training = self._parts["train"]
        self.classes = class_names(column(self.training, label, _ADVICE), self._labels(self.training))

    @property
    def validation_rows(self) -> int:
        """Number of validation rows, which stand behind those of training."""
        return len(self._parts["val"].columns[self.label]) if "val" in self._parts else 0

    def parts(self, train: bool) -> list[Part]:
        """Return the rows of training, then those of validation, or those of test."""
        names = ("train", "val") if train else ("test",)
        return [self._parts[name] for name in names if name in self._parts]

    def targets(self, train: bool) -> Tensor:
        """Return the classes of these rows, ``(N,)`` int64.

        Raises:
            DataError: if a row has no label, or a class that training has not.
        """
        found = (
            targets_of(column(part, self.label, _ADVICE), self.classes, self._labels(part), self.training.name)
            for part in self.parts(train)
        )
        return torch.cat(list(found))

    def _labels(self, part: Part) -> str:
        return f"{part.name}, column {self.label!r}"
