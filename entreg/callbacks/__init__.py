"""Callbacks: what is measured, written and kept while a classifier trains."""

from entreg.callbacks.announce import Announce
from entreg.callbacks.bar import progress_bar
from entreg.callbacks.checkpoint import (
    AtomicCheckpointIO,
    CheckpointOptions,
    LastCheckpoint,
    checkpoints,
    drop_checkpoints,
)
from entreg.callbacks.finite import StopOnNonFinite
from entreg.callbacks.go_on import GoOn
from entreg.callbacks.graph import StepGraph
from entreg.callbacks.metrics import ClassificationMetrics
from entreg.callbacks.observe import ObserveLoss
from entreg.callbacks.plateau import RandomRateOnPlateau
from entreg.callbacks.predictions import SavePredictions
from entreg.callbacks.progress import LossProgress
from entreg.callbacks.reseed import Reseed
from entreg.callbacks.run_folder import RunFolder
from entreg.callbacks.stop import StopOnSignal, Stopped
from entreg.callbacks.throughput import Throughput
from entreg.callbacks.together import Together, unfolded

__all__ = [
    "Announce",
    "AtomicCheckpointIO",
    "CheckpointOptions",
    "ClassificationMetrics",
    "GoOn",
    "LastCheckpoint",
    "LossProgress",
    "ObserveLoss",
    "RandomRateOnPlateau",
    "Reseed",
    "RunFolder",
    "SavePredictions",
    "StepGraph",
    "StopOnNonFinite",
    "StopOnSignal",
    "Stopped",
    "Throughput",
    "Together",
    "checkpoints",
    "drop_checkpoints",
    "progress_bar",
    "unfolded",
]
