r"""Top-label calibration error from bin states: expected (ECE), root mean square, maximum (MCE) and debiased.

Which bin holds what is said in :mod:`entreg.metrics.binning`.
"""

from __future__ import annotations

from typing import Literal, get_args

import torch
from torch import Tensor

Norm = Literal["l1", "l2", "max"]


def calibration_error(state: Tensor, norm: Norm = "l1") -> Tensor:
    r"""Calibration error of a bin state, in [0, 1].

    With :math:`g_m = acc_m - conf_m` the gap of bin m and :math:`n_m` its count,

    .. math::
        \text{l1 (ECE)} = \sum_m \frac{n_m}{n} |g_m|, \qquad
        \text{l2} = \Big( \sum_m \frac{n_m}{n} g_m^2 \Big)^{1/2}, \qquad
        \text{max (MCE)} = \max_{m: n_m > 0} |g_m|,

    so that l1 <= l2 <= max. The maximum over bins of a few samples is mostly noise: read it with the counts.

    Source: Naeini et al. 2015; Guo et al. 2017, arXiv 1706.04599, eq. 3 and 5; l2 as in Kumar et al. 2019, arXiv
    1909.10155.

    Args:
        state: ``(3, B)`` as :func:`~entreg.metrics.bin_confidences` returns it, summed over any number of batches.
        norm: ``"l1"``, ``"l2"`` or ``"max"``.

    Returns:
        scalar float64, NaN for an empty state.

    Raises:
        ValueError: for another norm.

    Example:
        >>> state = torch.tensor([[1.0, 3.0], [0.25, 2.5], [0.0, 3.0]], dtype=torch.float64)
        >>> [round(calibration_error(state, norm).item(), 4) for norm in ("l1", "l2", "max")]
        [0.1875, 0.1909, 0.25]
    """
    count, confidence, correct = state
    difference = (correct - confidence).abs()
    if norm == "l1":
        return difference.sum() / count.sum()
    if norm == "l2":
        return (difference.square() / count.clamp(min=1)).sum().div(count.sum()).sqrt()
    if norm == "max":
        return torch.where(count.sum() > 0, (difference / count.clamp(min=1)).max(), torch.nan)
    raise ValueError(f"norm must be one of {', '.join(map(repr, get_args(Norm)))}, got {norm!r}")


def debiased_squared_calibration_error(state: Tensor) -> Tensor:
    r"""Debiased estimate of the *squared* l2 calibration error of a bin state; negative for some calibrated models.

    .. math:: \sum_m \frac{n_m}{n} \Big[ (conf_m - acc_m)^2 - \frac{acc_m (1 - acc_m)}{n_m - 1} \Big]

    The plug-in estimate counts the sampling noise of each bin's accuracy as miscalibration, so it grows as bins get
    emptier; this one subtracts that noise. It is unbiased where confidence is constant within a bin, negative
    values included: average the squares of several runs and take the root last. Bins of one sample have no
    variance to subtract and count as 0, as in the authors' code.

    Source: Kumar, Liang, Ma 2019, arXiv 1909.10155, section 5.

    Args:
        state: ``(3, B)`` as :func:`~entreg.metrics.bin_confidences` returns it, summed over any number of batches.

    Returns:
        scalar float64 in [-1/4, 1], NaN for an empty state.

    Example:
        >>> state = torch.tensor([[4.0], [3.0], [3.0]], dtype=torch.float64)  # 3 of 4 right at confidence 0.75
        >>> debiased_squared_calibration_error(state)
        tensor(-0.0625, dtype=torch.float64)
    """
    count, confidence, correct = state
    filled = count.clamp(min=2)  # bins of fewer are left out below
    accuracy = correct / filled
    squared = (confidence / filled - accuracy).square() - accuracy * (1 - accuracy) / (filled - 1)
    return torch.where(count >= 2, count * squared, 0).sum() / count.sum()


def debiased_calibration_error(state: Tensor) -> Tensor:
    """Root of :func:`debiased_squared_calibration_error`, 0 where that is negative; biased, for reading one model.

    Returns:
        scalar float64 in [0, 1], NaN for an empty state.
    """
    return debiased_squared_calibration_error(state).clamp(min=0).sqrt()
