"""Every kind of unusable predictions is refused in one line that says what is wrong."""

import re

import pytest
import torch

from entreg.metrics import (
    NLL,
    Brier,
    CalibrationError,
    ClasswiseCalibrationError,
    DebiasedCalibrationError,
    Errors,
    MeanConfidence,
    MeanEntropy,
    Samples,
    TopLabelBrier,
    confusion_matrix,
    fit_temperature,
    overconfident_share,
    scores_of,
)
from tests.metrics.inputs import random_logits

FINE = torch.tensor([[1.0, 0.0], [0.0, -torch.inf], [0.5, 0.2]])
TARGET = torch.tensor([0, 0, 1])


def with_row(*row):
    logits = FINE.clone()
    logits[1] = torch.tensor(row)
    return logits


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (with_row(0.0, torch.nan), "1 of 3 rows with NaN"),
        (with_row(0.0, torch.inf), "1 of 3 rows with NaN"),
        (with_row(-torch.inf, -torch.inf), "1 of 3 rows with NaN"),
        (torch.empty(0, 2), "at least one sample"),
        (torch.empty(3, 0), "at least one sample"),
        (torch.zeros(3), "shape (N, C), got torch.float32 (3,)"),
        (torch.zeros(3, 2, dtype=torch.int64), "floating point of shape (N, C), got torch.int64"),
    ],
)
def test_logits_without_probabilities_are_refused(logits, message):
    for function in (scores_of, fit_temperature, lambda logits, target: overconfident_share(logits)):
        with pytest.raises(ValueError, match=rf"^logits must .*{re.escape(message)}.*$"):
            function(logits, TARGET[: len(logits)])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (torch.tensor([0, 1]), "class indices of shape (3,), got torch.int64 (2,)"),
        (torch.tensor([0.0, 1.0, 0.0]), "class indices of shape (3,), got torch.float32 (3,)"),
        (torch.tensor([True, False, True]), "class indices of shape (3,), got torch.bool (3,)"),
        (
            torch.tensor([0, 2, 1]),
            "targets must lie in 0..1, the classes of the logits, or be ignore_index -100, got 2",
        ),
        (
            torch.tensor([-1, 0, 1]),
            "targets must lie in 0..1, the classes of the logits, or be ignore_index -100, got -1",
        ),
    ],
)
def test_targets_that_are_no_classes_of_the_logits_are_refused(target, message):
    for function in (scores_of, fit_temperature):
        with pytest.raises(ValueError, match=rf"^targets must .*{re.escape(message.removeprefix('targets must '))}$"):
            function(FINE, target)


@pytest.mark.parametrize("dtype", [torch.int32, torch.uint8])
def test_any_integer_dtype_of_targets_will_do(dtype):
    assert scores_of(FINE, TARGET.to(dtype)) == scores_of(FINE, TARGET)
    assert fit_temperature(FINE, TARGET.to(dtype)) == fit_temperature(FINE, TARGET)


STREAMED = [
    NLL, Brier, Errors, MeanConfidence, MeanEntropy, Samples, CalibrationError, DebiasedCalibrationError, TopLabelBrier,
    lambda **options: ClasswiseCalibrationError(3, **options),
]  # fmt: skip


def of(metric):
    def function(logits, target, **options):
        made = metric(**options)
        made.update(logits, target)
        return made.compute()

    return function


EVERY = [*map(of, STREAMED), scores_of, fit_temperature, confusion_matrix]


@pytest.mark.parametrize("dtype", [torch.int64, torch.uint8])
def test_ignored_samples_might_as_well_not_be_there(dtype):
    logits, target = random_logits(60, classes=3)
    for ignore_index in (-100, 255, 2):
        if dtype is torch.uint8 and ignore_index < 0:
            continue
        given = target.clone()
        given[::3] = ignore_index
        keep = given != ignore_index
        options = {} if ignore_index == -100 else {"ignore_index": ignore_index}
        for function in EVERY:
            found, expected = function(logits, given.to(dtype), **options), function(logits[keep], target[keep])
            torch.testing.assert_close(found, expected, rtol=1e-12, atol=0)


def test_a_class_out_of_range_is_refused_by_every_metric():
    logits, target = random_logits(10, classes=3)
    target[3], target[5] = -100, 9
    message = "targets must lie in 0..2, the classes of the logits, or be ignore_index -100, got 9"
    for function in EVERY:
        with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
            function(logits, target)
