"""What a classifier says of samples."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from entreg.metrics.scores import predictive_entropy


@dataclass(frozen=True)
class Predictions:
    """What a classifier says of N samples.

    Attributes:
        logits: ``(N, C)`` float32.
        temperature: that of the run, NaN where it is undetermined: validation was all right, or not predicted.
        names: names of all C classes.
    """

    logits: NDArray[np.float32]
    temperature: float
    names: tuple[str, ...]

    @cached_property
    def classes(self) -> NDArray[np.str_]:
        """Name of the predicted class of each sample, ``(N,)``."""
        return np.array(self.names)[self.logits.argmax(1)]

    @cached_property
    def probabilities(self) -> NDArray[np.float64]:
        """Probabilities as the network gives them, ``(N, C)``."""
        return torch.from_numpy(self.logits).double().softmax(1).numpy()

    @cached_property
    def calibrated(self) -> NDArray[np.float64]:
        """Probabilities at the temperature that was fitted on validation, ``(N, C)``; NaN without one."""
        return (torch.from_numpy(self.logits).double() / self.temperature).softmax(1).numpy()

    @cached_property
    def entropy(self) -> NDArray[np.float64]:
        """Entropy of :attr:`probabilities` in nats, ``(N,)`` in [0, ln C]."""
        return predictive_entropy(torch.from_numpy(self.logits).double()).numpy()
