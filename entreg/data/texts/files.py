"""A user's own texts, in files."""

from __future__ import annotations

from typing import Any

from entreg.data.texts.encoder import DEFAULT
from entreg.data.texts.module import Labelled, TextDataModule
from entreg.data.texts.read import text_column
from entreg.data.vectors.labelled import LabelledTables


class Texts(TextDataModule):
    """Texts in CSV or JSON lines, a class each.

    ``root`` is a folder of ``train.csv``, ``test.csv`` and perhaps ``val.csv`` (or ``.jsonl``, or ``.parquet``), or one
    file with a column ``split`` that says train, val or test. Classes are those of the training labels; validation that
    is not given is drawn from the training rows.

    Args:
        root: folder or file.
        text: column of the texts.
        label: column of the classes.
        encoder: see :class:`entreg.data.TextDataModule`.
        kwargs: arguments of :class:`entreg.data.VectorDataModule`.

    Raises:
        ConfigError: if a package is not installed.
        DataError: if a file is absent or damaged, a row has no text or no label, a class is not in training, or the
            encoder is not here.
    """

    def __init__(
        self, root: str, text: str = "text", label: str = "label", encoder: str = DEFAULT, **kwargs: Any
    ) -> None:
        super().__init__(root=root, encoder=encoder, **kwargs)
        self.text = text
        self.tables = LabelledTables(self.root, label, as_text=True)
        self.classes = self.tables.classes

    @property
    def description(self) -> dict[str, Any]:
        """What features a network trained on these data expects, and the column of the texts."""
        return {**super().description, "text": self.text}

    @property
    def own_validation(self) -> int:
        """Number of validation rows that are given."""
        return self.tables.validation_rows

    def read(self, train: bool) -> Labelled:
        """Return texts and classes of training, rows of validation at the end, or of test."""
        texts = [text for part in self.tables.parts(train) for text in text_column(part, self.text)]
        return Labelled(texts, self.tables.targets(train))
