"""Correction for testing several arms against one baseline."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def holm(p: Sequence[float | None]) -> list[float | None]:
    r"""Adjust p-values so that *any* wrong rejection among them happens with probability <= alpha.

    .. math:: \tilde p_{(i)} = \max_{j \le i} \min\bigl((m - j + 1)\, p_{(j)},\, 1\bigr)

    Valid under any dependence, as between arms that share a baseline. ``None`` is a test that could not be made: it
    stays ``None`` and is not counted in m.

    Args:
        p: p-values of the arms.

    Returns:
        adjusted p-values in the given order, none smaller than given and in the same ranking.

    Raises:
        ValueError: if one is not in [0, 1].

    Source: Holm 1979, *A simple sequentially rejective multiple test procedure*.

    Example:
        >>> holm([0.01, None, 0.04, 0.03])
        [0.03, None, 0.06, 0.06]
    """
    tested = np.array([value for value in p if value is not None], dtype=np.float64)
    if not ((tested >= 0) & (tested <= 1)).all():
        raise ValueError(f"p-values {[float(value) for value in tested]}: expected numbers in [0, 1]")
    order = tested.argsort(kind="stable")
    factors = np.arange(len(tested), 0, -1)
    adjusted = np.empty_like(tested)
    adjusted[order] = np.maximum.accumulate(np.minimum(factors * tested[order], 1))
    left = iter(adjusted.tolist())
    return [None if value is None else next(left) for value in p]
