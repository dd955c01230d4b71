"""Scores in order, with tied samples sharing what they are worth, so that no result depends on the order of samples."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor


class Groups(NamedTuple):
    """Samples of equal score, the lowest score first."""

    score: Tensor
    """``(G,)`` float64, distinct."""
    size: Tensor
    """``(G,)`` int64: samples of each score."""
    total: Tensor
    """``(G,)`` float64: sum of their values."""

    def shared(self) -> Tensor:
        """Value of each sample in order of score, ``(N,)``, every one of a group having the group's mean."""
        return (self.total / self.size).repeat_interleave(self.size)


def group_ties(score: Tensor, value: Tensor) -> Groups:
    """Group samples by score.

    Args:
        score: ``(N,)``, any real numbers.
        value: ``(N,)`` bool or numbers.

    Raises:
        ValueError: if shapes differ or a score is NaN, which has no place in an order.

    Example:
        >>> group_ties(torch.tensor([0.9, 0.5, 0.9]), torch.tensor([True, True, False])).shared()
        tensor([1.0000, 0.5000, 0.5000], dtype=torch.float64)
    """
    if score.ndim != 1 or score.shape != value.shape:
        raise ValueError(
            f"scores and their values must both have shape (N,), got {tuple(score.shape)} and {tuple(value.shape)}"
        )
    ordered, order = score.double().sort()
    if len(ordered) and ordered[-1].isnan():  # NaN sorts last
        raise ValueError(f"scores must be numbers, got {int(score.isnan().sum())} NaN among {len(score)}")
    distinct, size = torch.unique_consecutive(ordered, return_counts=True)
    group = torch.arange(len(distinct), device=score.device).repeat_interleave(size)
    total = torch.zeros_like(distinct).index_add_(0, group, value[order].double())
    return Groups(distinct, size, total)
