"""Two checkpoints on the same images: what can be said with one run of each, which is nothing about the losses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats


@dataclass(frozen=True)
class McNemar:
    """Disagreement of two checkpoints on the same images.

    Attributes:
        only_a: images that only checkpoint A classifies correctly (b in the textbooks).
        only_b: images that only checkpoint B classifies correctly (c).
        p: exact two-sided p-value of both being equally likely.
    """

    only_a: int
    only_b: int
    p: float

    def describe(self, a: str, b: str) -> str:
        """Say what was found, in words, of checkpoints of runs called ``a`` and ``b``."""
        return (
            f"the checkpoint of {a} alone is right on {self.only_a} samples, that of {b} alone on {self.only_b} (exact "
            f"McNemar p = {self.p:.2g}, not corrected for the number of arms): about these two checkpoints, not about "
            "their losses"
        )


def mcnemar(correct_a: ArrayLike, correct_b: ArrayLike) -> McNemar:
    """Compare the accuracies of two *checkpoints* on the images they were both tested on.

    The images are the only source of chance here: another seed of the same loss is another checkpoint, and two seeds
    of one loss are often "significantly" different. p = 1 if the checkpoints never disagree.

    Args:
        correct_a: ``(N,)`` bool, which images checkpoint A classifies correctly.
        correct_b: ``(N,)`` bool, the same for checkpoint B, images in the same order.

    Raises:
        ValueError: if the two are not bool rows of one length.

    Source: McNemar 1947; Dietterich 1998, *Approximate statistical tests for comparing supervised classification
    learning algorithms*.

    Example:
        >>> mcnemar([True] * 9 + [False], [False] * 9 + [True])
        McNemar(only_a=9, only_b=1, p=0.021484375)
    """
    a, b = np.asarray(correct_a), np.asarray(correct_b)
    if a.dtype != np.bool_ or b.dtype != np.bool_ or a.ndim != 1 or a.shape != b.shape:
        raise ValueError(
            f"{a.dtype} of shape {a.shape} and {b.dtype} of shape {b.shape}: expected two bool arrays (N,), "
            "pass prediction == target on the same images"
        )
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    discordant = only_a + only_b
    return McNemar(only_a, only_b, float(stats.binomtest(only_a, discordant).pvalue) if discordant else 1.0)
