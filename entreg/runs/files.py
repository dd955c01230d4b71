"""Files of a run folder: written whole or not at all, read without running any code of theirs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import torch

from entreg.errors import RunError


@contextmanager
def atomic_path(target: Path) -> Iterator[Path]:
    """Yield a path beside ``target`` to write to; it replaces ``target`` once it is safely on disk, or is removed."""
    part = target.with_name(f".{target.stem}.part{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except OSError as error:
        raise RunError(f"{target}: cannot be written ({error.strerror})") from error
    finally:
        with suppress(OSError):  # the folder may not even exist
            part.unlink()


def write_json(target: Path, content: Mapping[str, Any]) -> None:
    """Write a JSON file atomically."""
    with atomic_path(target) as part:
        part.write_text(json.dumps(content, indent=2) + "\n")


def check_checkpoint(path: Path) -> None:
    """Raise :class:`RunError` unless ``path`` opens as a checkpoint of tensors and plain values; no code of it runs."""
    try:
        checkpoint = torch.load(path, map_location="meta", weights_only=True)
        if not {"state_dict", "pytorch-lightning_version"} <= set(checkpoint):
            raise RuntimeError("it holds no Lightning state")
    except Exception as error:  # a torn file makes torch.load raise almost anything
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise RunError(f"{path}: cannot be opened as a checkpoint ({reason})") from error


def write_predictions(target: Path, logits: torch.Tensor, targets: torch.Tensor, ids: torch.Tensor) -> None:
    """Write predictions sorted by sample id: ``logits`` float32, ``targets`` and ``ids`` int64."""
    order = ids.argsort()
    with atomic_path(target) as part:
        np.savez(
            part,
            logits=logits[order].float().cpu().numpy(),
            targets=targets[order].cpu().numpy(),
            ids=ids[order].cpu().numpy(),
        )


def read_predictions(path: Path) -> dict[str, np.ndarray[Any, Any]]:
    """Read predictions; no pickles are opened.

    Raises:
        RunError: if the file is not a file of predictions.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {key: arrays[key] for key in ("logits", "targets", "ids")}
    except (OSError, ValueError, KeyError, EOFError, BadZipFile) as error:
        raise RunError(f"{path}: is not a file of predictions ({error})") from error
    rows, (n, *_) = found["logits"], found["logits"].shape or (0,)
    if rows.ndim != 2 or rows.dtype.kind != "f" or any(found[key].shape != (n,) for key in ("targets", "ids")):
        shapes = ", ".join(f"{key} {array.dtype}{list(array.shape)}" for key, array in found.items())
        raise RunError(f"{path}: is not a file of predictions ({shapes}; expected logits (N, C), targets and ids (N,))")
    return found
