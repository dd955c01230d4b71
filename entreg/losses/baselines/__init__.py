"""Losses of the field to compare with, one idea a file."""

from entreg.losses.baselines.base import ClassificationLoss, TargetLoss
from entreg.losses.baselines.brier import BrierLoss
from entreg.losses.baselines.focal import FocalLoss
from entreg.losses.baselines.generalized import GeneralizedCrossEntropyLoss, MeanAbsoluteErrorLoss
from entreg.losses.baselines.label_smoothing import LabelSmoothingLoss
from entreg.losses.baselines.margin import MarginLabelSmoothingLoss
from entreg.losses.baselines.mmce import MMCELoss
from entreg.losses.baselines.poly import Poly1Loss
from entreg.losses.baselines.symmetric import SymmetricCrossEntropyLoss

__all__ = [
    "BrierLoss",
    "ClassificationLoss",
    "FocalLoss",
    "GeneralizedCrossEntropyLoss",
    "LabelSmoothingLoss",
    "MMCELoss",
    "MarginLabelSmoothingLoss",
    "MeanAbsoluteErrorLoss",
    "Poly1Loss",
    "SymmetricCrossEntropyLoss",
    "TargetLoss",
]
