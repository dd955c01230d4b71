r"""SmoothECE: calibration error of confidences that are smoothed, not binned.

With :math:`r_i = y_i - f_i` the correctness of sample i minus its confidence and :math:`K_\sigma` the Gaussian kernel
of width :math:`\sigma` that is reflected at 0 and 1,

.. math:: F(\sigma) = \int_0^1 \Bigl| \frac1n \sum_i K_\sigma(t, f_i) \, r_i \Bigr| \, dt, \qquad
          \text{smECE} = \sigma^* \text{ where } F(\sigma^*) = \sigma^*.

F never rises, as smoothing averages, so there is one such width. It has no bins to choose and is continuous in the
confidences. Like ECE it is biased upwards where a model is nearly calibrated: 1.1 % for a perfect one of 5,000 samples,
but right within its error where 2 % or more are wrong with it.

A reflected kernel on [0, 1] is a periodic one on [0, 2] for what is mirrored at 1, so smoothing multiplies the k-th
coefficient of the Fourier transform of that by :math:`e^{-(\pi k \sigma)^2 / 2}`.

Source: Błasiok and Nakkiran 2023, *Smooth ECE*, arXiv 2309.12236.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

_CELLS = 1024
_HALVINGS = 40  # of the bracket of the width


def smooth_calibration_error(confidence: Tensor, correct: Tensor) -> Tensor:
    """SmoothECE of top-label confidences.

    Args:
        confidence: ``(N,)`` in [0, 1].
        correct: ``(N,)`` bool.

    Returns:
        scalar float64 in [0, 1].

    Raises:
        ValueError: if there is no sample, shapes differ, or a confidence is not in [0, 1].

    Example:
        >>> confidence = torch.full((1000,), 0.9)
        >>> round(smooth_calibration_error(confidence, torch.arange(1000) < 700).item(), 3)  # 70 % right
        0.2
    """
    return smooth_calibration_terms(confidence, correct).mean()


def smooth_calibration_terms(confidence: Tensor, correct: Tensor) -> Tensor:
    r"""What each sample adds to SmoothECE: terms whose mean it is, and the variance of whose mean is its variance.

    At a fixed width F is a mean, :math:`F = \frac1n \sum_i r_i s(f_i)` with s the smoothed sign of the smoothed
    residual. The width moves with the samples, so that a change of F moves the fixed point by
    :math:`1 / (1 - F'(\sigma^*))` of it, and the deviations of the terms are scaled by that. The signs are kept as
    they are: near perfect calibration, where they are chance, the variance is about the biased value. In simulations of
    1,000 to 20,000 samples 95 % intervals cover 91 to 96 % where the true error is 1.6 % or more, and 0 at 0.

    Args:
        confidence: ``(N,)`` in [0, 1].
        correct: ``(N,)`` bool.

    Returns:
        ``(N,)`` float64.

    Raises:
        ValueError: as :func:`smooth_calibration_error`.
    """
    if confidence.ndim != 1 or confidence.shape != correct.shape or len(confidence) == 0:
        shapes = f"{tuple(confidence.shape)} and {tuple(correct.shape)}"
        raise ValueError(f"shapes {shapes}: expected (N,) confidences and (N,) bool with N >= 1")
    f = confidence.double()
    if not ((f >= 0) & (f <= 1)).all():
        raise ValueError(f"confidences of {f.min():g} to {f.max():g}: expected [0, 1]")
    residual = correct.double() - f
    place = (f * _CELLS - 0.5).clamp(0, _CELLS - 1)  # in units of cells, 0 in the middle of the first
    left = place.long()
    right, share = (left + 1).clamp(max=_CELLS - 1), place - left
    mass = f.new_zeros(_CELLS).index_add(0, left, residual * (1 - share)).index_add(0, right, residual * share)
    coefficients = _transformed(mass / len(f))
    squares = (math.pi * torch.arange(_CELLS + 1, dtype=torch.float64, device=f.device)).square()

    def smoothed(coefficients: Tensor, width: float) -> Tensor:
        return torch.fft.irfft(coefficients * torch.exp(-squares * width**2 / 2))[:_CELLS]

    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        width = (low + high) / 2
        low, high = (width, high) if smoothed(coefficients, width).abs().sum() > width else (low, width)
    sign = smoothed(coefficients, low).sign()
    slope = (sign * smoothed(-squares * low * coefficients, low)).sum()
    smooth_sign = smoothed(_transformed(sign), low)
    terms = residual * (smooth_sign[left] * (1 - share) + smooth_sign[right] * share)
    return low + (terms - terms.mean()) / (1 - slope)


def _transformed(values: Tensor) -> Tensor:
    """Return the Fourier transform of values on [0, 1] and their mirror image on [1, 2]."""
    return torch.fft.rfft(torch.cat([values, values.flip(0)]))
