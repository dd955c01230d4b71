"""Runs that finished and learnt nothing: no better than chance, or one class for nearly everything."""

from __future__ import annotations

import math

import numpy as np

from entreg.compare.result import Result, read_logits
from entreg.runs.set_name import TEST

_NEARLY_ALL = 0.95
_ERRORS = 3  # standard errors above chance, which chance alone seldom reaches


def is_collapsed(result: Result) -> bool:
    r"""Whether a run has collapsed.

    It has if its accuracy on test is within three standard errors of chance, the agreement of labels that are dealt out
    as often as the run gives each class (Cohen 1960, *A coefficient of agreement for nominal scales*),

    .. math:: acc \le \pi + 3 \sqrt{\pi (1 - \pi) / N}, \qquad \pi = \sum_k p_k q_k,

    with :math:`p_k` the share of samples that are given class k and :math:`q_k` the share that have it; or if 95 % of
    the samples or more are given one class that less than half as many have. Without predictions chance is one over the
    number of classes, and which classes were given is not known.

    Args:
        result: the run.
    """
    test = result.scores["test"]
    if not result.has_predictions:
        classes = len(result.summary.get("classes", ()))
        return bool(classes) and test["acc"] <= _chance(1 / classes, int(test["n"]))
    logits, targets = (tensor.numpy() for tensor in read_logits(result, TEST))
    given, there = (
        np.bincount(classes, minlength=logits.shape[1]) / len(targets) for classes in (logits.argmax(1), targets)
    )
    is_one_class = given.max() >= _NEARLY_ALL and there[given.argmax()] < given.max() / 2
    return bool(is_one_class or test["acc"] <= _chance(float(given @ there), len(targets)))


def _chance(share: float, samples: int) -> float:
    """Accuracy up to which a run is no better than chance."""
    return share + _ERRORS * math.sqrt(share * (1 - share) / samples)
