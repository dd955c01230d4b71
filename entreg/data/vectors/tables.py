"""Files of columns: CSV, JSON lines, Parquet, and NumPy's ``.npz`` and ``.npy``."""

from __future__ import annotations

import json
import warnings
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from entreg.data.vectors.labels import as_among_its_like
from entreg.errors import ConfigError, DataError

Columns = dict[str, NDArray[Any]]
PARTS = ("train", "val", "test")
SPLIT = "split"  # column of a single file that says to which part a row belongs
ARRAY = "x"  # name of what an .npy file holds
_LABELS = "_labels"  # an .npy file's labels lie beside it, in train_labels.npy


class Part(NamedTuple):
    """The rows of training, validation or test.

    Attributes:
        name: of their file and part, for messages.
        columns: arrays ``(N,)`` or ``(N, ...)`` by name.
    """

    name: str
    columns: Columns


def read_parts(root: Path, label: str, as_text: bool = False) -> dict[str, Part]:
    """Read ``train``, ``test`` and, where it is there, ``val``.

    Args:
        root: a folder of ``train.<suffix>``, ``test.<suffix>`` and perhaps ``val.<suffix>``; or one file with a column
            ``split`` that says train, val or test.
        label: name for the labels of an ``.npy`` file, which are in ``<name>_labels.npy``.
        as_text: see :func:`read_columns`.

    Raises:
        DataError: if a file is absent, twice there, cannot be read, or has rows of another part.
    """
    if root.is_file():
        return _parts_of(root, read_columns(root, as_text))
    found: dict[str, Part] = {}
    for part in PARTS:
        files = [file for suffix in READERS if (file := root / f"{part}{suffix}").is_file()]
        if len(files) > 1:
            raise DataError(f"{files[0]} and {files[1].name}: expected one file of {part}; remove one of them")
        if files:
            labels = files[0].with_name(f"{part}{_LABELS}.npy")
            columns = read_columns(files[0], as_text)
            if files[0].suffix == ".npy" and labels.is_file():
                columns[label] = read_columns(labels)[ARRAY]
            found[part] = Part(str(files[0]), columns)
        elif part != "val":
            raise DataError(
                f"{root / part}.*: is absent; --data.root is a folder of train and test files ({', '.join(READERS)}), "
                f"or one file with a column {SPLIT!r}"
            )
    return found


def read_columns(path: Path, as_text: bool = False) -> Columns:
    """Read a file.

    Args:
        path: its suffix says what it is.
        as_text: of CSV, take everything as it is written, ``1.0`` and an empty line too.

    Raises:
        ConfigError: if its format needs a package that is not installed.
        DataError: if it is absent, cannot be read, holds no row, or not as many in all of its arrays.
    """
    suffix = path.suffix.lower()
    if suffix not in READERS:
        raise DataError(f"{path}: expected a file that ends in {', '.join(READERS)}")
    if not path.is_file():
        raise DataError(f"{path}: is not there, expected a file ({', '.join(READERS)})")
    try:
        columns = READERS[suffix](path, as_text)
    except ImportError as error:
        raise ConfigError(f"{path}: reading it needs pyarrow: pip install 'entreg[tables]'") from error
    except (OSError, ValueError, TypeError, EOFError, BadZipFile, zlib.error) as error:
        said = str(error).strip().splitlines() or [type(error).__name__]
        raise DataError(f"{path}: is not a whole {suffix} file ({said[0]}); replace it") from error
    lengths = {name: len(column) for name, column in columns.items()}
    if len(set(lengths.values())) > 1:
        (one, few), (other, many) = min(lengths.items(), key=_second), max(lengths.items(), key=_second)
        raise DataError(f"{path}: {one!r} has {few} rows, {other!r} {many}; expected one for each sample in both")
    if not any(lengths.values()):
        raise DataError(f"{path}: holds no row; expected a row for each sample")
    return columns


def column(part: Part, name: str, advice: str) -> NDArray[Any]:
    """Return a column by its name.

    Raises:
        DataError: if there is none, with advice on what to do then.
    """
    if name not in part.columns:
        have = ", ".join(list(part.columns)[:10]) + (", ..." if len(part.columns) > 10 else "")
        raise DataError(f"{part.name}: has no column {name!r} (it has {have}); {advice}")
    return part.columns[name]


def _parts_of(path: Path, columns: Columns) -> dict[str, Part]:
    split = column(Part(str(path), columns), SPLIT, "add it, or give a folder of train and test files").astype(str)
    if len(others := sorted(set(split.tolist()) - set(PARTS))):
        raise DataError(f"{path}: column {SPLIT!r} holds {others[0]!r}, expected train, val or test in every row")
    if len(absent := [part for part in ("train", "test") if part not in split]):
        raise DataError(f"{path}: no row is of {absent[0]} in column {SPLIT!r}")
    rest = {name: values for name, values in columns.items() if name != SPLIT}
    return {
        part: Part(f"{path} ({part})", {name: values[split == part] for name, values in rest.items()})
        for part in PARTS
        if part in split
    }


def _second(item: tuple[str, int]) -> int:
    return item[1]


def _read_table(path: Path, as_text: bool) -> Columns:
    import pandas as pd  # late: a training on images needs none

    if path.suffix.lower() == ".csv":
        # Only an empty field is missing: pandas takes a class or a category 'NA' for one, too.
        options: dict[str, Any] = {"dtype": str, "skip_blank_lines": False} if as_text else {"na_values": [""]}
        options["low_memory"] = False  # else each part of a long column has a type of its own
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", pd.errors.ParserWarning)  # fields without a name
                frame = pd.read_csv(path, index_col=False, keep_default_na=False, **options)
        except pd.errors.ParserWarning as error:
            raise DataError(f"{path}: has rows of more fields than its first line has names; mend them") from error
        # Names as written: pandas calls a second column 'label' 'label.1', and one without a name 'Unnamed: 0'.
        head = pd.read_csv(path, header=None, nrows=1, dtype=str, keep_default_na=False, index_col=False)
        frame.columns = head.iloc[0]
        if not as_text:
            for k, kind in enumerate(frame.dtypes):
                if not pd.api.types.is_numeric_dtype(kind):
                    frame.isetitem(k, frame.iloc[:, k].map(as_among_its_like))
    elif path.suffix.lower() == ".jsonl":
        with path.open(encoding="utf-8-sig") as lines:  # json's own: pandas makes dates of what has such a name
            frame = pd.DataFrame([json.loads(line) for line in lines if line.strip()])
    else:
        frame = pd.read_parquet(path)
        if not isinstance(frame.index, pd.RangeIndex):  # but a column, which was made the index before it was written
            there = set(map(str, frame.columns))
            named = [name for name in frame.index.names if name is not None and str(name) not in there]
            frame = frame.reset_index(level=named)
    names = [str(name) for name in frame.columns]
    (name, times), *_ = Counter(names).most_common(1) or [("", 0)]
    if times > 1:
        raise DataError(f"{path}: {times} columns are called {name!r}, expected one of each name")
    return {name: frame.iloc[:, k].to_numpy() for k, name in enumerate(names)}


def _read_npz(path: Path, as_text: bool) -> Columns:
    with np.load(path, allow_pickle=False) as arrays:
        return {name: np.atleast_1d(arrays[name]) for name in arrays.files}


def _read_npy(path: Path, as_text: bool) -> Columns:
    return {ARRAY: np.atleast_1d(np.load(path, allow_pickle=False))}


READERS: dict[str, Callable[[Path, bool], Columns]] = {
    ".csv": _read_table,
    ".jsonl": _read_table,
    ".parquet": _read_table,
    ".npz": _read_npz,
    ".npy": _read_npy,
}
