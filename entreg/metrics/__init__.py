"""Metrics: pure functions of logits, and torchmetrics classes over them. They take logits and never guess.

The classes are imported when they are first asked for, as torchmetrics brings torchvision and seconds of waiting.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from entreg.metrics.adaptive import adaptive_calibration_error, bin_equal_mass
from entreg.metrics.binning import bin_classes, bin_confidences, bin_moments, top_label
from entreg.metrics.brier import BrierDecomposition, brier_decomposition
from entreg.metrics.calibration import (
    calibration_error,
    debiased_calibration_error,
    debiased_squared_calibration_error,
)
from entreg.metrics.classwise import classwise_calibration_error
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
from entreg.metrics.selective import aurc, coverage_at_risk
from entreg.metrics.smooth import smooth_calibration_error, smooth_calibration_terms
from entreg.metrics.summary import scores_of
from entreg.metrics.temperature import fit_temperature

if TYPE_CHECKING:
    from entreg.metrics.binned import (
        CalibrationError,
        ClasswiseCalibrationError,
        DebiasedCalibrationError,
        TopLabelBrier,
    )
    from entreg.metrics.means import NLL, Brier, Errors, Mean, MeanConfidence, MeanEntropy, Samples
    from entreg.metrics.training import TrainingScores

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
    "TrainingScores",
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
    "smooth_calibration_error",
    "smooth_calibration_terms",
    "top_label",
    "wilson_interval",
]

_MODULES = {
    "entreg.metrics.binned": (
        "CalibrationError",
        "ClasswiseCalibrationError",
        "DebiasedCalibrationError",
        "TopLabelBrier",
    ),
    "entreg.metrics.means": ("NLL", "Brier", "Errors", "Mean", "MeanConfidence", "MeanEntropy", "Samples"),
    "entreg.metrics.training": ("TrainingScores",),
}


def __getattr__(name: str) -> Any:
    for module, classes in _MODULES.items():
        if name in classes:
            return getattr(import_module(module), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
