"""Checkpoints as files: sealed with a digest, which is compared before anything of them is loaded."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_STORED, ZipFile

import numpy as np
import torch

from entreg.errors import RunError
from entreg.files import atomic_path, sha256_of

_SEAL = b"sha256:"
_COMMENT = len(_SEAL) + 64  # bytes of the seal
_END = b"PK\x05\x06"  # a ZIP archive ends with a record of 22 bytes that starts so, and a comment
_RECORD = 22


def write_checkpoint(target: Path, content: Mapping[str, Any], replaced: Path | None = None) -> None:
    """Write a checkpoint atomically, with its digest as the comment that a ZIP archive may end with.

    ``torch.load(path, weights_only=True)`` opens it like any other.

    Args:
        target: file to write.
        content: tensors and plain values.
        replaced: what the file that lies there is renamed to; default: it is gone.

    Raises:
        RunError: if it cannot be written.
    """
    with atomic_path(target) as part:
        try:
            with part.open("rb+") as file:
                torch.save(_plain(content), file)
                _seal(file)
        except RuntimeError as error:  # what torch makes of a full disk
            raise RunError(f"{target}: cannot be written ({str(error).splitlines()[0]})") from error
        if replaced is not None and target.exists():
            target.replace(replaced)


def _plain(value: Any) -> Any:
    """Make NumPy's numbers, as a learning rate can be one, Python's: with them a checkpoint would not open again."""
    if isinstance(value, np.generic):
        return value.item()
    if type(value) is dict:
        return {key: _plain(each) for key, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(_plain, value))
    return value


def check_checkpoint(path: Path) -> None:
    """Refuse what is no whole checkpoint of tensors and plain values; no code of it runs.

    One byte that has changed is noticed: by the digest, or, in a checkpoint of an earlier version, which has none, by
    the checksums of the archive's records.

    Raises:
        RunError: naming the file and the reason.
    """
    try:
        with path.open("rb") as file:
            _check_whole(file)
        checkpoint = torch.load(path, map_location="meta", weights_only=True)
        if not {"state_dict", "pytorch-lightning_version"} <= set(checkpoint):
            raise RuntimeError("it holds no Lightning state")
    except Exception as error:  # a torn file makes torch.load raise almost anything
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        reason = said.splitlines()[0] if said else type(error).__name__
        raise RunError(f"{path}: cannot be opened as a checkpoint ({reason})") from error


def step_of(path: Path) -> int:
    """Return the optimizer step at which a checkpoint was written; it is one that opens."""
    return int(torch.load(path, map_location="meta", weights_only=True)["global_step"])


def _seal(file: BinaryIO) -> None:
    """Append the digest of all that is before it: the end record as well, which states the length of the comment."""
    file.seek(-2, os.SEEK_END)
    file.write(_COMMENT.to_bytes(2, "little"))
    file.seek(0)
    seal = _SEAL + sha256_of(file, file.seek(0, os.SEEK_END)).encode()
    file.write(seal)


def _check_whole(file: BinaryIO) -> None:
    size = file.seek(0, os.SEEK_END)
    file.seek(max(size - _RECORD, 0))
    end = file.read()
    sealed = not (end.startswith(_END) and end.endswith(b"\0\0"))  # else the comment is empty
    if sealed:
        file.seek(max(size - _COMMENT, 0))
        if file.read() != _SEAL + sha256_of(file, size - _COMMENT).encode():
            raise RuntimeError("it is damaged, or is none")
    with ZipFile(file) as archive:
        records = archive.infolist()
        plain = all(record.compress_type == ZIP_STORED and record.external_attr == 0 for record in records)
        if not plain or sum(record.file_size for record in records) > size:
            raise RuntimeError("its records are not as torch.save writes them")
        if not sealed and (damaged := archive.testzip()):
            raise RuntimeError(f"it is damaged: the checksum of {damaged} is another")
