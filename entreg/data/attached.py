"""The data module that a trainer works with."""

from __future__ import annotations

from typing import Any

from lightning.pytorch import Trainer


def datamodule_of(trainer: Trainer) -> Any:
    """Return the data module of a trainer, ``None`` if it was given loaders; Lightning sets it and declares it not."""
    return getattr(trainer, "datamodule", None)
