"""Entropy-regularised classification losses; they need torch, and nothing of Lightning.

``entropy`` and ``family`` hold the modules, ``coefficients`` and ``maps`` what is learnt of them, ``functional`` the
same without modules. ``evaluate`` turns coefficients into a loss, in the form that ``choice`` finds: ``plain`` is the
formula, which autograd differentiates; ``fused`` is one node of the graph with the gradient in closed form, computed
block by block (``closed_form``) or by Triton on CUDA (``launch``, ``plans``, ``kernels``).

Example:
    >>> import torch
    >>> from entreg.losses import MinEntLoss
    >>> loss = MinEntLoss()
    >>> loss(torch.randn(8, 26), torch.randint(26, (8,))).ndim
    0
"""

from entreg.losses import catalogue, functional
from entreg.losses.baselines import (
    BrierLoss,
    BSCEGRALoss,
    DualFocalLoss,
    EpsSoftmaxLoss,
    FocalLoss,
    GeneralizedCrossEntropyLoss,
    LabelSmoothingLoss,
    LogitNormLoss,
    MarginLabelSmoothingLoss,
    MDCALoss,
    MeanAbsoluteErrorLoss,
    MMCELoss,
    NegativeLabelSmoothingLoss,
    Poly1Loss,
    SymmetricCrossEntropyLoss,
)
from entreg.losses.coefficients import Coefficients, Term, coefficients_of
from entreg.losses.collapse import collapses
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
    "BSCEGRALoss",
    "BrierLoss",
    "Coefficients",
    "ConfidencePenaltyLoss",
    "CrossEntropyLoss",
    "DualFocalLoss",
    "EntropyRegularizedLoss",
    "EpsSoftmaxLoss",
    "FocalLoss",
    "GeneralizedCrossEntropyLoss",
    "LabelSmoothingLoss",
    "LogitNormLoss",
    "LossInfo",
    "MDCALoss",
    "MMCELoss",
    "MarginLabelSmoothingLoss",
    "MeanAbsoluteErrorLoss",
    "MinEntLoss",
    "MixEntLoss",
    "NegativeLabelSmoothingLoss",
    "Poly1Loss",
    "ReverseKLLoss",
    "SymmetricCrossEntropyLoss",
    "Term",
    "available",
    "catalogue",
    "coefficients_of",
    "collapses",
    "create",
    "find",
    "functional",
    "name_of",
    "register",
]
