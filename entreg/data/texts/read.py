"""Texts out of files."""

from __future__ import annotations

from pathlib import Path

from entreg.data.vectors.tables import Part, column, read_columns
from entreg.errors import DataError


def text_column(part: Part, name: str, advice: str = "name it with --data.text") -> list[str]:
    """Return a column of texts.

    Args:
        part: rows of a file.
        name: of the column.
        advice: what to do where there is none, for the message.

    Raises:
        DataError: if there is no such column, or naming the first row of it without a text.
    """
    texts = column(part, name, advice).tolist()
    for row, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip():
            raise DataError(f"{part.name}, column {name!r}: row {row + 1} holds no text; give it one, or leave it out")
    return texts


def read_texts(path: Path, name: str = "text") -> list[str]:
    """Read texts without labels: a column of CSV, JSON lines or Parquet, or, of ``.txt``, a text a line.

    Raises:
        DataError: if the file cannot be read, has no such column, or a row without a text.
    """
    if path.suffix.lower() != ".txt":
        return text_column(Part(str(path), read_columns(path, as_text=True)), name, "give one of them that name")
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")  # splitlines takes characters within a text too
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read as text ({error})") from error
    if not any(line.strip() for line in lines):
        raise DataError(f"{path}: holds no text, expected one a line")
    return [line for line in lines if line.strip()]
