from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given

from entreg.losses import BrierLoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import logit_arrays, softmax
from tests.losses.samples import examples, sample, targets


def brier(z: np.ndarray, q: np.ndarray) -> float:
    p = softmax(z)
    return sum((p[k] - q[k]) ** 2 for k in range(len(z)))


@targets
def test_values_are_those_of_the_formula(target_kind: str) -> None:
    logits, target = sample(target_kind)
    torch.testing.assert_close(BrierLoss(reduction="none")(logits, target), oracle(brier, logits, target))


def test_the_prediction_that_equals_the_target_is_a_minimum_of_0() -> None:
    _, target = sample("soft")
    value, gradient = with_gradient(BrierLoss(reduction="none"), target.log(), target)
    torch.testing.assert_close(value, torch.zeros_like(value))
    torch.testing.assert_close(gradient, torch.zeros_like(gradient))


@examples
@given(logits=logit_arrays((4, 3)))
def test_it_lies_in_0_to_2(logits: np.ndarray) -> None:
    for dtype in (torch.float32, torch.float64):
        values = BrierLoss(reduction="none")(torch.tensor(logits, dtype=dtype), torch.tensor([0, 1, 2, 2]))
        assert values.min() >= 0
        assert values.max() <= 2


@pytest.mark.parametrize(("label", "value"), [(0, 0.0), (1, 2.0)])
def test_its_ends_are_reached_by_sure_predictions_which_have_no_gradient(label: int, value: float) -> None:
    got, gradient = with_gradient(BrierLoss(), torch.tensor([[1e4, -1e4]]), torch.tensor([label]))
    assert got == value
    assert gradient.abs().max() == 0
