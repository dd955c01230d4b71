r"""Selective prediction: what error is left if a classifier answers only where it is confident.

Samples are accepted in order of falling confidence. *Coverage* is the share accepted, *risk* the share of errors among
the accepted. Any score that ranks predictions will do for a confidence; one that does not saturate ranks best, e.g.
:func:`entreg.metrics.max_softmax`.
"""

from __future__ import annotations

import torch
from torch import Tensor

from entreg.metrics.ties import group_ties


def aurc(confidence: Tensor, correct: Tensor) -> Tensor:
    r"""Area under the risk-coverage curve, in [0, 1], lower is better.

    .. math:: \frac{1}{N} \sum_{k=1}^N \frac{\text{errors among the } k \text{ most confident}}{k}

    Samples of equal confidence each count with the mean error of them all: this is exactly the mean of the area over
    all orders of tied samples. With all confidences equal it is the error rate.

    Source: Geifman, Uziel, El-Yaniv 2019, arXiv 1805.08206, section 2.

    Args:
        confidence: ``(N,)``, any real numbers, larger is more confident.
        correct: ``(N,)`` bool.

    Returns:
        scalar float64, NaN for no sample.

    Raises:
        ValueError: if shapes differ or a confidence is NaN.

    Example:
        >>> aurc(torch.tensor([0.9, 0.8, 0.7]), torch.tensor([True, True, False]))  # (0 + 0 + 1/3) / 3
        tensor(0.1111, dtype=torch.float64)
    """
    error = 1 - group_ties(confidence, correct).shared().flip(0)
    accepted = torch.arange(1, len(error) + 1, dtype=torch.float64, device=error.device)
    return (error.cumsum(0) / accepted).mean()


def coverage_at_risk(confidence: Tensor, correct: Tensor, risk: float) -> Tensor:
    """Largest coverage at which the risk is at most ``risk``, in [0, 1], higher is better.

    A threshold accepts all samples of one confidence or none, so only such coverages count; 0 if no threshold will do.
    The risk need not grow with coverage: of several coverages that keep it, the largest is meant. It is chosen on the
    samples it is measured on, so it promises no risk on others.

    Args:
        confidence: ``(N,)``, any real numbers, larger is more confident.
        correct: ``(N,)`` bool.
        risk: greatest share of errors among the accepted, in [0, 1].

    Returns:
        scalar float64, NaN for no sample.

    Raises:
        ValueError: if shapes differ, a confidence is NaN or the risk lies outside [0, 1].

    Example:
        >>> coverage_at_risk(torch.tensor([0.9, 0.8, 0.7, 0.6]), torch.tensor([True, True, False, False]), 0.4)
        tensor(0.7500, dtype=torch.float64)
    """
    if not 0 <= risk <= 1:
        raise ValueError(f"risk must be a share of errors in [0, 1], got {risk}")
    groups = group_ties(confidence, correct)
    accepted = groups.size.flip(0).cumsum(0)
    errors = accepted - groups.total.flip(0).cumsum(0)
    kept = torch.where(errors / accepted <= risk, accepted, 0)
    return kept.amax().double() / len(confidence) if len(kept) else groups.score.new_tensor(torch.nan)
