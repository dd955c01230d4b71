"""How fast and how steadily a run learnt, from the curves it left."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike
from scipy.integrate import trapezoid

from entreg.compare.stats.intervals import Floats

_NORMAL = 1.4826  # standard deviation of a normal distribution over its median absolute deviation


class Reached(NamedTuple):
    """First evaluation at which a curve has reached a target.

    Attributes:
        epochs: passes over the training set until then.
        seconds: time until then.
    """

    epochs: float
    seconds: float


def reached(
    steps: ArrayLike,
    seconds: ArrayLike,
    values: ArrayLike,
    target: float,
    steps_per_epoch: float,
) -> Reached | None:
    """Epochs and seconds to a target, ``None`` if it was never reached.

    Nothing is interpolated: the answer is as coarse as the evaluations. A run that never gets there is censored, not
    slow; do not average over the others alone.

    Args:
        steps: ``(T,)`` of the evaluations, counted from 0: step 0 is the first update.
        seconds: ``(T,)`` since the start.
        values: ``(T,)``; NaN reaches nothing.
        target: value to reach, from below.
        steps_per_epoch: optimizer steps in an epoch.

    Example:
        >>> reached([99, 199, 299], [10, 20, 30], [0.90, 0.95, 0.96], target=0.95, steps_per_epoch=100)
        Reached(epochs=2.0, seconds=20.0)
    """
    s, t, v = (np.asarray(row, dtype=np.float64) for row in (steps, seconds, values))
    _check_lengths(s, t, v)
    there = np.flatnonzero(v >= target)
    return Reached(float(s[there[0]] + 1) / steps_per_epoch, float(t[there[0]])) if len(there) else None


def area_under_curve(steps: ArrayLike, values: ArrayLike) -> float:
    """Mean height of a curve between its first and last evaluation, by the trapezoidal rule.

    In the unit of the values: a run that learns early has a larger mean accuracy. Comparable between runs evaluated
    over the same range of steps.

    Args:
        steps: ``(T,)``, strictly increasing, T >= 1.
        values: ``(T,)``.

    Returns:
        the mean; of one evaluation, its value.

    Raises:
        ValueError: if the lengths differ, or the steps are none or do not increase.

    Example:
        >>> area_under_curve([0, 100, 200], [0.0, 0.8, 1.0])
        0.65
    """
    s, v = np.asarray(steps, dtype=np.float64), np.asarray(values, dtype=np.float64)
    _check_lengths(s, v)
    if len(s) == 0 or not (np.diff(s) > 0).all():
        raise ValueError(f"steps {s.tolist()[:5]}: expected at least one, strictly increasing")
    return float(trapezoid(v, s) / (s[-1] - s[0])) if len(s) > 1 else float(v[0])


def loss_spikes(values: ArrayLike, window: int = 25, threshold: float = 8.0) -> int:
    """Number of times a training loss jumps far above where it has just been.

    A value is high if it exceeds the median of the ``window`` values before it by more than ``threshold`` robust
    standard deviations of those (1.4826 times their median absolute deviation, but at least 1 % of the median), or if
    it is not finite. Adjacent high values are one spike, and so is a jump to a level that stays. The first ``window``
    finite values are not judged.

    Args:
        values: ``(T,)`` loss of each logged step.
        window: number of values that make a past.
        threshold: how far is far.

    Example:
        >>> loss_spikes([1.0, 0.9, 0.9, 0.8, 5.0, 4.0, 0.8, 0.7, 0.7], window=4)
        1
    """
    loss = np.asarray(values, dtype=np.float64)
    if window < 2:
        raise ValueError(f"window {window}: expected at least 2 values")
    high = ~np.isfinite(loss)
    finite = loss[~high]
    if len(finite) > window:
        past = sliding_window_view(finite, window)[:-1]
        level = np.median(past, axis=1)
        spread = _NORMAL * np.median(np.abs(past - level[:, None]), axis=1)
        jump = finite[window:] - level > threshold * np.maximum(spread, 0.01 * np.abs(level))
        high[~high] = np.concatenate([np.zeros(window, dtype=bool), jump])
    return int(high[:1].sum() + (high[1:] & ~high[:-1]).sum())


def gradient_norm_variance(norms: ArrayLike) -> float | None:
    """Variance of the logarithm of the gradient norms, which no scale of the loss changes.

    Args:
        norms: ``(T,)`` norms of the logged steps; zeros and non-finite ones are left out.

    Returns:
        the sample variance, ``None`` with less than two norms.

    Example:
        >>> round(gradient_norm_variance([1.0, 1.1, 0.9, 1.0]), 4)
        0.0067
    """
    norm = np.asarray(norms, dtype=np.float64)
    norm = norm[np.isfinite(norm) & (norm > 0)]
    return float(np.log(norm).var(ddof=1)) if len(norm) > 1 else None


def _check_lengths(*rows: Floats) -> None:
    if any(row.ndim != 1 or len(row) != len(rows[0]) for row in rows):
        raise ValueError(f"shapes {[row.shape for row in rows]}: expected rows of one length")
