from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from entreg.losses import DualFocalLoss, FocalLoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import softmax
from tests.losses.samples import examples, sample, targets


def dual_focal(z: np.ndarray, q: np.ndarray, gamma: float) -> float:
    p = softmax(z)
    total = 0.0
    for k in range(len(z)):
        below = max([0.0, *(other for other in p if other < p[k])])
        total -= q[k] * (1 - p[k] + below) ** gamma * math.log(p[k])
    return total


@targets
@examples
@given(gamma=st.floats(0, 6))
def test_values_are_those_of_the_formula(target_kind: str, gamma: float) -> None:
    logits, target = sample(target_kind)
    logits[0, 1:3] = logits[0, 0]  # equal ones are not below each other
    want = oracle(lambda z, q: dual_focal(z, q, gamma), logits, target)
    torch.testing.assert_close(DualFocalLoss(gamma, reduction="none")(logits, target), want)


def test_gamma_is_5_by_default() -> None:
    logits, target = sample()
    torch.testing.assert_close(
        DualFocalLoss()(logits, target), DualFocalLoss(gamma=5.0)(logits, target), rtol=0, atol=0
    )


def test_where_no_class_is_below_the_target_it_is_focal_loss() -> None:
    logits, _ = sample()
    last = logits.argmin(1)
    torch.testing.assert_close(
        with_gradient(DualFocalLoss(3.0), logits, last), with_gradient(FocalLoss(3.0), logits, last)
    )


@pytest.mark.parametrize("gamma", [0.5, 5.0])
def test_a_sure_and_right_prediction_has_neither_loss_nor_gradient(gamma: float) -> None:
    value, gradient = with_gradient(DualFocalLoss(gamma), torch.tensor([[1e4, 0.0, -1e4]]), torch.tensor([0]))
    assert value == 0
    assert gradient.abs().max() == 0


@pytest.mark.parametrize("gamma", [-0.5, math.nan, math.inf])
def test_gamma_out_of_its_range_is_refused(gamma: float) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'gamma must be a finite number >= 0, got {gamma}')}$"):
        DualFocalLoss(gamma)
