"""Predictions on one evaluation set, the unit of all analysis: logits, targets and sample ids in one file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from entreg.errors import RunError
from entreg.files import atomic_path
from entreg.runs.reading import Array, read_arrays


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


def read_predictions(path: Path) -> dict[str, Array]:
    """Read predictions: ``logits (N, C)`` float32, ``targets`` and ``ids (N,)`` int64, by increasing id.

    In the file they may stand in any order.

    Raises:
        RunError: if the file holds anything else or is damaged.
    """
    found = read_arrays(path, ("logits", "targets", "ids"))
    logits, targets, ids = found["logits"], found["targets"], found["ids"]
    has_types = logits.dtype == np.float32 and targets.dtype == ids.dtype == np.int64
    if not has_types or logits.ndim != 2 or not logits.size or not targets.shape == ids.shape == logits.shape[:1]:
        shapes = ", ".join(f"{key} {array.dtype}{list(array.shape)}" for key, array in found.items())
        raise RunError(
            f"{path}: is not a file of predictions ({shapes}; "
            "expected logits float32 (N, C), targets and ids int64 (N,))"
        )
    order = ids.argsort()
    if ids[order[0]] < 0 or (np.diff(ids[order]) == 0).any():
        raise RunError(f"{path}: is not a file of predictions (expected ids >= 0, each of them once)")
    return found if (np.diff(order) == 1).all() else {key: array[order] for key, array in found.items()}
