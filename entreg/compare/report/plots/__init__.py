"""Pictures of a comparison, as matplotlib figures that belong to no window."""

from entreg.compare.report.plots.axes import COLOURS, colour_of
from entreg.compare.report.plots.calibration import MOST_DIAGRAMS, accuracy_against_calibration, histograms, reliability
from entreg.compare.report.plots.disagreement import disagreements
from entreg.compare.report.plots.forest import forest
from entreg.compare.report.plots.profile import profile
from entreg.compare.report.plots.robustness import label_noise, ood_curves, robustness
from entreg.compare.report.plots.training import coefficients, learning_curves

__all__ = [
    "COLOURS",
    "MOST_DIAGRAMS",
    "accuracy_against_calibration",
    "coefficients",
    "colour_of",
    "disagreements",
    "forest",
    "histograms",
    "label_noise",
    "learning_curves",
    "ood_curves",
    "profile",
    "reliability",
    "robustness",
]
