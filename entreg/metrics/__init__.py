"""Metrics: pure functions of logits, and torchmetrics classes over them. They take logits and never guess."""

from entreg.metrics.adaptive import adaptive_calibration_error, bin_equal_mass
from entreg.metrics.binning import bin_classes, bin_confidences, bin_moments, top_label
from entreg.metrics.brier import BrierDecomposition, TopLabelBrier, brier_decomposition
from entreg.metrics.calibration import (
    CalibrationError,
    DebiasedCalibrationError,
    calibration_error,
    debiased_calibration_error,
    debiased_squared_calibration_error,
)
from entreg.metrics.classwise import ClasswiseCalibrationError, classwise_calibration_error
from entreg.metrics.confusion import confusion_diagram, confusion_matrix
from entreg.metrics.diagram import plot_reliability, reliability_diagram, wilson_interval
from entreg.metrics.ood import (
    OOD_SCORES,
    max_logit,
    max_softmax,
    negative_energy,
    negative_entropy,
    ood_metrics,
    overconfident_share,
)
from entreg.metrics.scores import NLL, Brier, Errors, Mean, MeanConfidence, MeanEntropy, Samples
from entreg.metrics.selective import aurc, coverage_at_risk
from entreg.metrics.summary import scores_of
from entreg.metrics.temperature import fit_temperature

__all__ = [
    "NLL",
    "OOD_SCORES",
    "Brier",
    "BrierDecomposition",
    "CalibrationError",
    "ClasswiseCalibrationError",
    "DebiasedCalibrationError",
    "Errors",
    "Mean",
    "MeanConfidence",
    "MeanEntropy",
    "Samples",
    "TopLabelBrier",
    "adaptive_calibration_error",
    "aurc",
    "bin_classes",
    "bin_confidences",
    "bin_equal_mass",
    "bin_moments",
    "brier_decomposition",
    "calibration_error",
    "classwise_calibration_error",
    "confusion_diagram",
    "confusion_matrix",
    "coverage_at_risk",
    "debiased_calibration_error",
    "debiased_squared_calibration_error",
    "fit_temperature",
    "max_logit",
    "max_softmax",
    "negative_energy",
    "negative_entropy",
    "ood_metrics",
    "overconfident_share",
    "plot_reliability",
    "reliability_diagram",
    "scores_of",
    "top_label",
    "wilson_interval",
]
