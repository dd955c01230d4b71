"""Losses of the field to compare with, one idea a file."""

from entreg.losses.baselines.base import ClassificationLoss, TargetLoss
from entreg.losses.baselines.brier import BrierLoss
from entreg.losses.baselines.bsce import BSCEGRALoss
from entreg.losses.baselines.dual_focal import DualFocalLoss
from entreg.losses.baselines.eps_softmax import EpsSoftmaxLoss
from entreg.losses.baselines.focal import FocalLoss
from entreg.losses.baselines.generalized import GeneralizedCrossEntropyLoss, MeanAbsoluteErrorLoss
from entreg.losses.baselines.label_smoothing import LabelSmoothingLoss
from entreg.losses.baselines.logit_norm import LogitNormLoss
from entreg.losses.baselines.margin import MarginLabelSmoothingLoss
from entreg.losses.baselines.mdca import MDCALoss
from entreg.losses.baselines.mmce import MMCELoss
from entreg.losses.baselines.negative_smoothing import NegativeLabelSmoothingLoss
from entreg.losses.baselines.poly import Poly1Loss
from entreg.losses.baselines.symmetric import SymmetricCrossEntropyLoss

__all__ = [
    "BSCEGRALoss",
    "BrierLoss",
    "ClassificationLoss",
    "DualFocalLoss",
    "EpsSoftmaxLoss",
    "FocalLoss",
    "GeneralizedCrossEntropyLoss",
    "LabelSmoothingLoss",
    "LogitNormLoss",
    "MDCALoss",
    "MMCELoss",
    "MarginLabelSmoothingLoss",
    "MeanAbsoluteErrorLoss",
    "NegativeLabelSmoothingLoss",
    "Poly1Loss",
    "SymmetricCrossEntropyLoss",
    "TargetLoss",
]
