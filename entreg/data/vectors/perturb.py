"""Noise and dropout of features, the augmentation of vectors."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor

from entreg.data.vectors.windows import drawn_normal, drawn_starts, drawn_uniform, windows
from entreg.errors import ConfigError


@dataclass(frozen=True)
class Perturb:
    """Add Gaussian noise to the standardised features of training samples, then drop some of them.

    Args:
        noise: standard deviation of the noise, >= 0; features have one of 1.
        dropout: probability in [0, 1) that a feature becomes 0, its mean (of a category: none); those that stay are
            divided by ``1 - dropout``, as :class:`torch.nn.Dropout` does.

    Raises:
        ConfigError: if a number is out of its range.
    """

    noise: float = 0.1
    dropout: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.noise < math.inf or not 0 <= self.dropout < 1:
            raise ConfigError(
                f"data.augment: noise is a number >= 0 and dropout lies in [0, 1); got noise={self.noise}, "
                f"dropout={self.dropout}"
            )

    def tables(self, n: int, width: int, seed: int, epoch: int) -> tuple[Tensor, Tensor, Tensor]:
        """Draw what :meth:`__call__` needs in an epoch: the noise, what features are multiplied by, and the windows."""
        counters = (seed, epoch, "perturb")
        kept = (drawn_uniform(width, *counters) >= self.dropout) / (1 - self.dropout)
        return self.noise * drawn_normal(width, *counters), kept, drawn_starts(n, *counters)

    def __call__(self, features: Tensor, ids: Tensor, tables: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Return the features perturbed, each sample's as its id and the epoch's tables have it.

        Args:
            features: standardised, ``(N, D)``.
            ids: ``(N,)``.
            tables: of :meth:`tables`, on the device of the features.
        """
        noise, kept, starts = tables
        begin, width = starts[ids], features.shape[1]
        return (features + windows(noise, begin, width)) * windows(kept, begin, width)
