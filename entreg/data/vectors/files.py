"""A user's own features, in files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from entreg.data.vectors.features import Layout
from entreg.data.vectors.labelled import LabelledTables
from entreg.data.vectors.module import VectorDataModule


class Vectors(VectorDataModule):
    """Features of any kind, as embeddings and tables, in Parquet, CSV, JSON lines, ``.npz`` or ``.npy``.

    ``root`` is a folder of ``train.<suffix>``, ``test.<suffix>`` and perhaps ``val.<suffix>``, or one file with a
    column ``split`` that says train, val or test. Every column but the label is a feature: a number, or as many in
    each row (a list in Parquet, a second dimension in ``.npz``). ``train.npy`` is one array of features, its labels
    are in ``train_labels.npy``. Columns are found by name, classes are those of the training labels. Validation that
    is not given is drawn from the training rows. Numbers in a CSV file are numbers: of labels and categories ``01``,
    ``1`` and ``1.0`` are one.

    Args:
        root: folder or file.
        label: column of the classes, names or whole numbers.
        categories: columns that are one-hot; an unseen value in validation or test is refused.
        drop: columns that are no features.
        kwargs: arguments of :class:`entreg.data.VectorDataModule`.

    Raises:
        ConfigError: if a format needs a package that is not installed, or no column is left.
        DataError: if a file is absent or damaged, a row has no label, a value is no number, a class or a category is
            not in training, or a feature is the same in all training samples.
    """

    def __init__(
        self,
        root: str,
        label: str = "label",
        categories: Sequence[str] = (),
        drop: Sequence[str] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(root=root, **kwargs)
        self.tables = LabelledTables(self.root, label)
        self.classes = self.tables.classes
        self.layout = Layout.of(self.tables.training, tuple(categories), (label, *drop))
        self.indicators = self.layout.indicators

    @property
    def own_validation(self) -> int:
        """Number of validation rows that are given."""
        return self.tables.validation_rows

    @property
    def description(self) -> dict[str, Any]:
        """What features a network trained on these data expects, and the columns that they are made of."""
        return {**super().description, "columns": self.layout.plain()}

    def adopt(self, trained_on: Mapping[str, Any], classes: Sequence[str]) -> None:
        """Take the columns of those data, by name, besides."""
        super().adopt(trained_on, classes)
        if "columns" in trained_on:
            self.layout = Layout.from_plain(trained_on["columns"])
            self.indicators = self.layout.indicators

    def feature_name(self, index: int) -> str:
        """Name of a feature, by its column."""
        return self.layout.feature_name(index)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return features and classes of training, rows of validation at the end, or of test."""
        features = [self.layout.features(part) for part in self.tables.parts(train)]
        return torch.cat(features), self.tables.targets(train)
