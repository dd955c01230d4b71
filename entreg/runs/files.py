"""Files of a run folder: written whole or not at all, read without running any code of theirs."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

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
