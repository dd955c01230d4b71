"""What is compared: the metrics of a run on its test images, with what each image contributes to their error."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from entreg.compare.result import Result, read_logits
from entreg.compare.stats.jackknife import Contributions, of_auroc, of_calibration, of_mean
from entreg.metrics import OOD_SCORES, smooth_calibration_terms, top_label
from entreg.metrics.binning import bin_index
from entreg.metrics.scores import brier, nll
from entreg.runs.scoring import Scores
from entreg.runs.set_name import TEST, SetKind


@dataclass(frozen=True)
class Measure:
    """A metric that arms are compared on.

    Attributes:
        key: name on the command line.
        name: name in sentences.
        higher_is_better: direction.
        digits: decimals shown.
        unit: of differences; ``points`` of what is in percent, nothing of what has none.
        margin: difference that does not matter unless another is given; ``None``: there is no convention.
    """

    key: str
    name: str
    higher_is_better: bool
    digits: int
    unit: str = ""
    margin: float | None = None

    @property
    def label(self) -> str:
        """Name in tables."""
        if self.unit == "points":
            return f"{self.name} %"
        return f"{self.name} ({self.unit})" if self.unit else self.name

    def of_guessing(self, num_classes: int) -> float | None:
        """Value of a classifier that gives all classes the same probability; ``None`` if that says nothing."""
        kind = self.key.partition(":")[0].removesuffix("@T")
        share = 1 / num_classes
        return {"acc": 100 * share, "nll": -math.log(share), "brier": 1 - share, "auroc": 50.0}.get(kind)

    @property
    def bounds(self) -> tuple[float, float]:
        """Least and greatest value; differences have none."""
        if self.key.endswith("-cal") or self.key.startswith("ce2"):
            return -math.inf, math.inf
        return 0.0, 100.0 if self.unit == "points" else math.inf


_FIXED = {
    measure.key: measure
    for measure in (
        Measure("acc", "accuracy", True, 2, "points", 0.1),
        Measure("nll", "NLL", False, 4),
        Measure("nll@T", "NLL at T", False, 4),
        Measure("nll-cal", "calibration part of NLL", False, 4),
        Measure("brier", "Brier", False, 4),
        Measure("brier@T", "Brier at T", False, 4),
        Measure("brier-cal", "calibration part of Brier", False, 4),
        Measure("smece", "SmoothECE", False, 2, "points"),
        Measure("smece@T", "SmoothECE at T", False, 2, "points"),
        Measure("ce2", "debiased squared calibration error", False, 2, "x 1e-4"),
        Measure("ce2@T", "debiased squared calibration error at T", False, 2, "x 1e-4"),
    )
}

REFINED = ("nll", "brier")
"""Losses that are split into refinement and calibration."""


def measure_of(key: str) -> Measure:
    """Return a measure by its key: one of the fixed ones, ``auroc:<set>``, or ``acc:<shift set>``.

    Raises:
        KeyError: if there is none.
    """
    if key in _FIXED:
        return _FIXED[key]
    kind, _, name = key.partition(":")
    if kind == "auroc" and name:
        return Measure(key, f"AUROC of {name}", True, 2, "points")
    if kind == "acc" and name:
        return Measure(key, f"accuracy on {name}", True, 2, "points", 0.1)
    raise KeyError(key)


def measures_of(result: Result) -> dict[str, Contributions]:
    """Return every measure of a run by its key, in the units of the tables.

    Accuracy and AUROC are in percent; squared calibration errors, top-label with the run's number of bins, in units of
    1e-4 (an error of one percentage point is 1). ``@T``: after temperature scaling; absent where there is no
    temperature. AUROC is that of the largest softmax probability. Without predictions they are what the summary states,
    and nothing is known of the images.

    NLL and Brier at T estimate the *refinement* error, the loss at the best recalibration, and ``nll-cal`` and
    ``brier-cal`` the *calibration* error, the rest: what dividing the logits by T takes away (Berta et al. 2025, arXiv
    2501.19195, of which this is the estimator with temperature scaling). T is fitted on validation, for NLL, so that
    the rest may be negative.
    """
    if not result.has_predictions:
        return _as_told(result.scores)
    logits, targets = read_logits(result, TEST)
    found = {"acc": _in_units(of_mean(top_label(logits, targets)[1].numpy()), 100)}
    found |= _probability_measures(logits, targets, result.bins)
    if "temperature" in result.scores:
        scaled = _probability_measures(logits.double() / result.scores["temperature"], targets, result.bins)
        found |= {f"{key}@T": measure for key, measure in scaled.items()}
        found |= {f"{key}-cal": _less(found[key], scaled[key]) for key in REFINED}
    detector = OOD_SCORES["msp"]
    inside = detector(logits).numpy()
    for name in result.sets(SetKind.OOD):
        outside = detector(read_logits(result, name)[0]).numpy()
        found[f"auroc:{name.name}"] = _in_units(of_auroc(inside, outside), 100)
    for name in result.sets(SetKind.SHIFT):
        shifted, labels = read_logits(result, name)
        found[f"acc:{name.name}"] = _in_units(of_mean((shifted.argmax(1) == labels).numpy()), 100)
    return found


def _probability_measures(logits: Tensor, targets: Tensor, bins: int) -> dict[str, Contributions]:
    """Measures of the probabilities, which a temperature changes."""
    confidence, correct = top_label(logits, targets)
    bin_of = bin_index(confidence, bins)
    return {
        "nll": of_mean(nll(logits, targets).numpy()),
        "brier": of_mean(brier(logits, targets).numpy()),
        "ce2": _in_units(of_calibration(confidence.numpy(), correct.numpy(), bin_of.numpy()), 1e4),
        "smece": _in_units(of_mean(smooth_calibration_terms(confidence, correct).numpy()), 100),
    }


def correct_of(result: Result) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Return which test images a run classifies correctly, ``(N,)`` bool."""
    logits, targets = read_logits(result, TEST)
    return (logits.argmax(1) == targets).numpy()


def _in_units(measure: Contributions, factor: float) -> Contributions:
    images = None if measure.images is None else measure.images * factor
    return Contributions(measure.value * factor, images)


def _less(measure: Contributions, other: Contributions) -> Contributions:
    """Return the difference of two measures of one run."""
    images = None if measure.images is None or other.images is None else measure.images - other.images
    return Contributions(measure.value - other.value, images)


def _as_told(scores: Scores) -> dict[str, Contributions]:
    """Measures of a run whose predictions are not at hand, by its scores."""
    test = scores["test"]
    values = {"acc": 100 * test["acc"]}
    for suffix, told in (("", test), ("@T", test.get("scaled", {}))):
        factors = {"nll": ("nll", 1.0), "brier": ("brier", 1.0), "ce2": ("ece_debiased_squared", 1e4)}
        factors["smece"] = ("smece", 100.0)
        values |= {f"{key}{suffix}": told[name] * by for key, (name, by) in factors.items() if name in told}
    values |= {f"auroc:{name}": 100 * told["msp"]["auroc"] for name, told in scores.get("ood", {}).items()}
    values |= {f"acc:{name}": 100 * told["acc"] for name, told in scores.get("shift", {}).items()}
    found = {key: Contributions(value, None) for key, value in values.items()}
    split = [key for key in REFINED if f"{key}@T" in found]
    return found | {f"{key}-cal": _less(found[key], found[f"{key}@T"]) for key in split}
