"""Entropy-regularised classification losses. Imports torch and nothing else of entreg or Lightning.

Example:
    >>> import torch
    >>> from entreg.losses import MinEntLoss
    >>> loss = MinEntLoss()
    >>> loss(torch.randn(8, 26), torch.randint(26, (8,))).ndim
    0
"""

from entreg.losses import functional
from entreg.losses.coefficients import Coefficients
from entreg.losses.entropy import (
    ConfidencePenaltyLoss,
    CrossEntropyLoss,
    MinEntLoss,
    MixEntLoss,
    ReverseKLLoss,
)
from entreg.losses.family import EntropyRegularizedLoss
from entreg.losses.registry import LossInfo, available, create, find, name_of, register

__all__ = [
    "Coefficients",
    "ConfidencePenaltyLoss",
    "CrossEntropyLoss",
    "EntropyRegularizedLoss",
    "LossInfo",
    "MinEntLoss",
    "MixEntLoss",
    "ReverseKLLoss",
    "available",
    "create",
    "find",
    "functional",
    "name_of",
    "register",
]
