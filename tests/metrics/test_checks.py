"""Every kind of unusable predictions is refused in one line that says what is wrong."""

import re

import pytest
import torch

from entreg.metrics import fit_temperature, overconfident_share, scores_of

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
        (torch.tensor([0, 2, 1]), "targets must lie in 0..1, the classes of the logits, got 0..2"),
        (torch.tensor([-1, 0, 1]), "targets must lie in 0..1, the classes of the logits, got -1..1"),
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
