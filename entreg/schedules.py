"""Learning-rate schedules that multiply each parameter group's own rate."""

from __future__ import annotations

import math
from functools import partial

from torch.optim import Optimizer
from torch.optim.lr_scheduler import LambdaLR

__all__ = ["OneCycle", "one_cycle_factor"]


def one_cycle_factor(step: int, total_steps: int, warmup: float = 0.2, start: float = 0.04, end: float = 1e-4) -> float:
    """Factor of the one-cycle policy (arXiv 1708.07120): cosine from ``start`` up to 1, then down to ``end``.

    Example:
        >>> [round(one_cycle_factor(s, 10), 3) for s in (0, 2, 10)]
        [0.04, 1.0, 0.0]
    """
    progress = min(step / max(total_steps, 1), 1.0)
    low, done = (start, progress / warmup) if progress < warmup else (end, (1 - progress) / (1 - warmup))
    return low + (1 - low) * (1 - math.cos(math.pi * done)) / 2


class OneCycle(LambdaLR):
    """One-cycle over training. Unlike ``torch``'s ``OneCycleLR`` it multiplies, so every group keeps its own rate.

    In a run that is prolonged the factor jumps to where a run of the new length would be, up again if the cycle had
    come to its end: from there on the cycle is that of all steps, old and new.

    Args:
        optimizer: its groups' rates are the peaks.
        total_steps: length of the cycle in optimizer steps.
        warmup: share of the steps that rise, in (0, 1).
        start: factor at the first step.
        end: factor at the last step.

    Raises:
        ValueError: if ``warmup`` is out of range.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        total_steps: int,
        warmup: float = 0.2,
        start: float = 0.04,
        end: float = 1e-4,
    ) -> None:
        if not 0 < warmup < 1:
            raise ValueError(f"warmup must lie strictly between 0 and 1, got {warmup}")
        super().__init__(
            optimizer, partial(one_cycle_factor, total_steps=total_steps, warmup=warmup, start=start, end=end)
        )
