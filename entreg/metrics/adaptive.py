"""Adaptive calibration error: bins of equal mass instead of equal width."""

from __future__ import annotations

import torch
from torch import Tensor

from entreg.metrics.calibration import Norm, calibration_error
from entreg.metrics.ties import group_ties


def bin_equal_mass(confidence: Tensor, correct: Tensor, bins: int) -> Tensor:
    r"""Sort predictions into bins of equally many samples.

    The sample of rank r = 0, ..., N - 1 by confidence is in bin :math:`\lfloor r B / N \rfloor`: the sizes of bins
    differ by at most 1, and with N < B some are empty. An edge may fall between samples of equal confidence (a
    saturated network has thousands at exactly 1); they all count with their mean correctness, so that it does not
    matter which of them is on which side. The result is the average of the state over all orders of tied samples.

    Args:
        confidence: ``(N,)`` in [0, 1].
        correct: ``(N,)`` bool.
        bins: number of bins B.

    Returns:
        ``(3, B)`` float64: count, sum of confidences, number correct (with ties, not a whole number), of each bin.

    Raises:
        ValueError: if ``bins`` is below 1, shapes differ or a confidence is NaN.

    Example:
        >>> bin_equal_mass(torch.tensor([1.0, 0.5, 1.0, 1.0]), torch.tensor([True, False, False, True]), bins=2)
        tensor([[2.0000, 2.0000],
                [1.5000, 2.0000],
                [0.6667, 1.3333]], dtype=torch.float64)
    """
    if bins < 1:
        raise ValueError(f"bins must be >= 1, got {bins}")
    groups = group_ties(confidence, correct)
    ordered = groups.score.repeat_interleave(groups.size)
    rank = torch.arange(len(ordered), device=ordered.device)
    values = torch.stack([torch.ones_like(ordered), ordered, groups.shared()])
    return values.new_zeros(3, bins).index_add_(1, rank * bins // max(len(ordered), 1), values)


def adaptive_calibration_error(confidence: Tensor, correct: Tensor, bins: int = 15, norm: Norm = "l1") -> Tensor:
    """Adaptive calibration error: that of bins of equal mass, which follow the confidences wherever they crowd.

    It depends on all confidences at once, so there is no streaming form of it. Ties and edges: :func:`bin_equal_mass`.

    Source: Nguyen and O'Connor 2015, arXiv 1508.05154; Nixon et al. 2019, arXiv 1904.01685 (here of the top label).

    Args:
        confidence: ``(N,)`` in [0, 1].
        correct: ``(N,)`` bool.
        bins: number of bins.
        norm: ``"l1"``, ``"l2"`` or ``"max"``, see :func:`~entreg.metrics.calibration_error`.

    Returns:
        scalar float64 in [0, 1], NaN for no sample.

    Raises:
        ValueError: if ``bins`` is below 1, shapes differ, a confidence is NaN or the norm is unknown.

    Example:
        >>> adaptive_calibration_error(torch.tensor([0.5, 0.75, 1.0, 1.0]), torch.tensor([0, 1, 1, 1]), bins=2)
        tensor(0.0625, dtype=torch.float64)
    """
    return calibration_error(bin_equal_mass(confidence, correct, bins), norm)
