"""What a data set is: its classes, its files, its samples. Nothing of how it is trained on."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from typing_extensions import Self

from entreg.data.splits import check_targets, check_two_classes, split_validation

_FILE = {True: "training file", False: "test file"}


def data_root(root: str | None) -> Path:
    """Folder of the data: the one given, else the environment variable ``ENTREG_DATA``, else ``./data``."""
    return Path(root or os.environ.get("ENTREG_DATA") or "data")


def described_shape(description: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape of an input from the description of a run's data in its summary.

    Example:
        >>> described_shape({"name": "EMNIST", "image_shape": [1, 28, 28]})
        (1, 28, 28)
    """
    return tuple(description["image_shape"] if "image_shape" in description else description["input_shape"])


@dataclass(frozen=True)
class LabelSpace:
    """What the classes of a data set stand for.

    Attributes:
        owner: name of the data set's class, for messages.
        classes: names of the classes, as people know them.
        symbols: what each class stands for, ``{"a", "A"}`` where upper and lower case are merged.
        domain: what the samples are of, apart from their classes; empty where nothing is said.
    """

    owner: str
    classes: tuple[str, ...]
    symbols: tuple[frozenset[str], ...]
    domain: str = ""


class Source:
    """A data set of a training and a test file.

    Attributes:
        root: folder of the data.
        classes: names of the classes, as people know them.
        domain: what the samples are of, apart from their classes: sets of one domain are near, others far.
    """

    root: Path
    classes: tuple[str, ...]
    domain: str = ""

    @classmethod
    def in_own_folder(cls, **options: Any) -> Self:
        """Make the data set as one of several below a root, where it takes no file that could be another's.

        Args:
            options: arguments of the class, ``root`` among them.
        """
        return cls(**options)

    @property
    def declared_shape(self) -> tuple[int, ...] | None:
        """Shape of an input, where it is known before the data are read."""
        return None

    @property
    def own_validation(self) -> int:
        """Number of samples at the end of the training file that were published as validation; here none."""
        return 0

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def symbols(self) -> tuple[frozenset[str], ...]:
        """Label space: what each class stands for, ``{"a", "A"}`` where upper and lower case are merged.

        Two sets of data share classes where they share symbols, whatever they call them.
        """
        return tuple(frozenset({name}) for name in self.classes)

    @property
    def label_space(self) -> LabelSpace:
        """The classes, what they stand for and their domain, as one value."""
        return LabelSpace(type(self).__name__, self.classes, self.symbols, self.domain)

    @abstractmethod
    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return inputs ``(N, ...)`` and classes ``(N,)`` int64 of the training or the test file."""

    def missing(self, train: bool) -> list[Path]:
        """Return where the files of the training or the test set should be that are absent; here: none."""
        return []

    def files(self, train: bool) -> list[Path]:
        """Return where the files of the training or the test set are; here: none."""
        return []

    def checksums(self, train: bool) -> dict[Path, str]:
        """Return the MD5 sum of each file that is here and has one that was published; here: none."""
        return {}

    def prepare(self, train: bool) -> None:
        """Fetch the training or the test file where it is absent; here: nothing to fetch."""

    def shown(self, inputs: Tensor) -> list[NDArray[np.uint8]] | None:
        """Return inputs ``(N, ...)`` as people see them: pictures ``(H, W)`` or ``(H, W, 3)``; ``None``: cannot be."""
        return None

    def tabulated(self, train: bool, ids: Tensor) -> tuple[Sequence[str], list[Sequence[str]]] | None:
        """Return the headers of a table and a row for each of the samples ``ids``; ``None``: they are no table."""
        return None

    def labels(self, train: bool) -> Tensor:
        """Return the classes of :meth:`checked` alone, where a subclass can without making the inputs of it."""
        return self.checked(train)[1]

    def split_off_validation(self, train: Tensor, test: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        """Split the training file into training and validation, see :attr:`own_validation`, else by a draw.

        Args:
            train: classes of the training file.
            test: classes of the test file.
            seed: seed of the draw.

        Returns:
            ids of training and of validation.

        Raises:
            DataError: if all training samples are of one class, or no validation can be drawn.
        """
        if own := self.own_validation:
            check_two_classes(train[:-own])
            ids = torch.arange(len(train))
            return ids[:-own], ids[-own:]
        return split_validation(train, test, seed)

    def checked(self, train: bool) -> tuple[Tensor, Tensor]:
        """Load the training or the test file.

        Raises:
            DataError: if its inputs and labels do not fit together or the classes.
        """
        inputs, targets = self.load(train)
        check_targets(targets, len(inputs), self.num_classes, f"{type(self).__name__} {_FILE[train]}")
        return inputs, targets
