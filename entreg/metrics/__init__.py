"""Metrics: pure functions of logits, and torchmetrics classes over them. They take logits and never guess."""

from entreg.metrics.calibration import (
    CalibrationError,
    bin_confidences,
    calibration_error,
    reliability_diagram,
)
from entreg.metrics.scores import NLL, Brier, Errors, Mean, MeanConfidence, MeanEntropy, Samples

__all__ = [
    "NLL",
    "Brier",
    "CalibrationError",
    "Errors",
    "Mean",
    "MeanConfidence",
    "MeanEntropy",
    "Samples",
    "bin_confidences",
    "calibration_error",
    "reliability_diagram",
]
