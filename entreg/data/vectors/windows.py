"""Random numbers for each sample and feature, as a function of counters and of the sample's id."""

from __future__ import annotations

import torch
from torch import Tensor

from entreg.data.sampling import counter_generator

SIZE = 2**20  # places at which a window may begin


def windows(table: Tensor, starts: Tensor, width: int) -> Tensor:
    """Return as many numbers of a table as there are features for each sample, from where its window begins.

    A table shared by all samples (Salimans et al. 2017, arXiv 1703.03864, section 2.1) costs what a million numbers
    cost, not samples times features; two samples share numbers only where their windows overlap.

    Args:
        table: ``(SIZE + width,)``.
        starts: ``(N,)`` int64, below :data:`SIZE`.
        width: number of features D.

    Returns:
        ``(N, D)``.

    Example:
        >>> windows(torch.arange(9.0), torch.tensor([0, 5]), 3)
        tensor([[0., 1., 2.],
                [5., 6., 7.]])
    """
    return table.unfold(0, width, 1)[starts]


def drawn_starts(n: int, *counters: int | str) -> Tensor:
    """Draw where the window of each of ``n`` samples begins, ``(n,)`` int64."""
    return torch.randint(SIZE, (n,), generator=counter_generator(*counters, "starts"))


def drawn_normal(width: int, *counters: int | str) -> Tensor:
    """Draw a table of standard normal numbers for windows of ``width``."""
    return torch.randn(SIZE + width, generator=counter_generator(*counters, "normal"))


def drawn_uniform(width: int, *counters: int | str) -> Tensor:
    """Draw a table of uniform numbers in [0, 1) for windows of ``width``."""
    return torch.rand(SIZE + width, generator=counter_generator(*counters, "uniform"))
