"""What one prediction is worth: NLL, Brier score and entropy of each sample, from logits."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def nll(logits: Tensor, target: Tensor) -> Tensor:
    """Negative log-likelihood of each target in nats, ``(N,)``, >= 0.

    Example:
        >>> nll(torch.zeros(1, 4), torch.tensor([2]))
        tensor([1.3863])
    """
    return F.cross_entropy(logits, target, reduction="none")


def brier(logits: Tensor, target: Tensor) -> Tensor:
    r"""Brier score of each sample, :math:`\sum_k (p_k - q_k)^2`, ``(N,)`` in [0, 2] (Brier 1950).

    Example:
        >>> brier(torch.zeros(1, 4), torch.tensor([2]))
        tensor([0.7500])
    """
    return (F.softmax(logits, dim=1) - F.one_hot(target, logits.shape[1])).square().sum(1)


def predictive_entropy(logits: Tensor) -> Tensor:
    """Shannon entropy of each prediction in nats, ``(N,)`` in [0, ln C]."""
    log_p = F.log_softmax(logits, dim=1)
    return -(log_p.exp() * log_p.clamp(min=torch.finfo(log_p.dtype).min)).sum(1)
