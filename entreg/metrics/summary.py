"""Every score of one set of predictions at once."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from entreg.metrics.adaptive import adaptive_calibration_error
from entreg.metrics.binning import bin_classes, bin_moments, probabilities, top_label
from entreg.metrics.brier import brier_decomposition
from entreg.metrics.calibration import (
    calibration_error,
    debiased_calibration_error,
    debiased_squared_calibration_error,
)
from entreg.metrics.checks import IGNORE_INDEX, check_predictions
from entreg.metrics.classwise import classwise_calibration_error
from entreg.metrics.ood import max_softmax
from entreg.metrics.scores import brier, nll, predictive_entropy
from entreg.metrics.selective import aurc, coverage_at_risk
from entreg.metrics.smooth import smooth_calibration_error


@torch.no_grad()
def scores_of(
    logits: Tensor | NDArray[Any], targets: Tensor | NDArray[Any], bins: int = 15, ignore_index: int = IGNORE_INDEX
) -> dict[str, float]:
    """Return every score of a set of predictions.

    * ``n``, ``errors``, ``acc``: samples, wrong ones, share of right ones.
    * ``nll``, ``brier``, ``entropy``, ``confidence``: means over samples of the negative log-likelihood in nats, the
      multi-class Brier score, the entropy in nats and the largest probability.
    * ``saturated``: share of samples whose largest probability is exactly 1 in float32.
    * ``ece``, ``ece_l2``, ``mce``: top-label :func:`~entreg.metrics.calibration_error` in the norms l1, l2 and max.
    * ``ece_debiased_squared``, ``ece_debiased``: :func:`~entreg.metrics.debiased_squared_calibration_error`, which may
      be negative and is the one to average over runs, and its root, 0 where that is negative.
    * ``ece_adaptive``: :func:`~entreg.metrics.adaptive_calibration_error`, bins of equal mass.
    * ``ece_classwise``: :func:`~entreg.metrics.classwise_calibration_error`.
    * ``smece``: :func:`~entreg.metrics.smooth_calibration_error`, which has no bins.
    * ``brier_top``, ``reliability``, ``resolution``, ``uncertainty``, ``within_bin_variance``,
      ``within_bin_covariance``: top-label Brier score and its parts, :func:`~entreg.metrics.brier_decomposition`.
    * ``coverage_at_1``: :func:`~entreg.metrics.coverage_at_risk` of 1 % errors.
    * ``aurc``: :func:`~entreg.metrics.aurc`, ranked by :func:`~entreg.metrics.max_softmax`, which tells saturated
      samples apart.

    Args:
        logits: ``(N, C)`` floating point, computed in float32 at least.
        targets: ``(N,)`` class indices.
        bins: number of bins of every binned score.
        ignore_index: target of the samples that do not count.

    Returns:
        a flat dict of floats; counts are whole numbers.

    Raises:
        ValueError: if there is no sample, shapes or classes do not fit, ``bins`` is below 1, or a row of logits has no
            softmax (NaN, +inf).

    Example:
        >>> scores = scores_of(torch.tensor([[2.0, 0.0], [0.0, 0.0]]), torch.tensor([0, 1]))
        >>> scores["n"], scores["errors"], scores["acc"], round(scores["ece"], 4)
        (2.0, 1.0, 0.5, 0.3096)
    """
    if bins < 1:
        raise ValueError(f"bins must be >= 1, got {bins}")
    logits, targets = torch.as_tensor(logits), torch.as_tensor(targets)
    logits, targets = check_predictions(logits, targets, ignore_index)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return {"n": float(len(targets))} | {name: float(value) for name, value in _scores(logits, targets, bins).items()}


def _scores(logits: Tensor, targets: Tensor, bins: int) -> dict[str, Tensor]:
    confidence, correct = top_label(logits, targets)
    moments = bin_moments(confidence, correct, bins)
    state = moments[:3]
    certainty = max_softmax(logits)
    parts = brier_decomposition(moments)._asdict()
    return {
        "acc": correct.double().mean(),
        "errors": (~correct).sum(),
        "nll": nll(logits, targets).double().mean(),
        "brier": brier(logits, targets).double().mean(),
        "entropy": predictive_entropy(logits).double().mean(),
        "confidence": confidence.double().mean(),
        "saturated": (confidence.float() == 1).double().mean(),
        "ece": calibration_error(state),
        "ece_l2": calibration_error(state, "l2"),
        "mce": calibration_error(state, "max"),
        "ece_debiased_squared": debiased_squared_calibration_error(state),
        "ece_debiased": debiased_calibration_error(state),
        "ece_adaptive": adaptive_calibration_error(confidence, correct, bins),
        "ece_classwise": classwise_calibration_error(bin_classes(probabilities(logits), targets, bins)),
        "smece": smooth_calibration_error(confidence, correct),
        "brier_top": parts.pop("score"),
        **parts,
        "aurc": aurc(certainty, correct),
        "coverage_at_1": coverage_at_risk(certainty, correct, 0.01),
    }
