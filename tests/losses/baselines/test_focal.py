from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Categorical

from entreg.losses import FocalLoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import softmax
from tests.losses.samples import examples, sample, targets


def focal(z: np.ndarray, q: np.ndarray, gamma: float) -> float:
    p = softmax(z)
    total = 0.0
    for k in range(len(z)):
        total -= q[k] * (1 - p[k]) ** gamma * math.log(p[k])
    return total


@targets
@examples
@given(gamma=st.floats(0, 6))
def test_values_are_those_of_equation_4(target_kind: str, gamma: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, q: focal(z, q, gamma), logits, target)
    torch.testing.assert_close(FocalLoss(gamma, reduction="none")(logits, target), want)


def test_gamma_is_2_by_default() -> None:
    logits, target = sample()
    torch.testing.assert_close(FocalLoss()(logits, target), FocalLoss(gamma=2.0)(logits, target), rtol=0, atol=0)


@targets
@examples
@given(gamma=st.floats(1, 6))
def test_it_bounds_cross_entropy_minus_gamma_times_entropy(target_kind: str, gamma: float) -> None:
    logits, target = sample(target_kind)
    ce = F.cross_entropy(logits, target, reduction="none")
    bound = ce - gamma * Categorical(logits=logits).entropy()
    assert (FocalLoss(gamma, reduction="none")(logits, target) >= bound - 1e-12).all()


@pytest.mark.parametrize("gamma", [0.5, 2.0])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_sure_and_right_prediction_has_neither_loss_nor_gradient(gamma: float, dtype: torch.dtype) -> None:
    logits = torch.tensor([[1e4, 0.0, -1e4]], dtype=dtype)
    value, gradient = with_gradient(FocalLoss(gamma), logits, torch.tensor([0]))
    assert value == 0
    assert gradient.abs().max() == 0


@pytest.mark.parametrize("gamma", [-0.5, math.nan, math.inf])
def test_gamma_out_of_its_range_is_refused(gamma: float) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'gamma must be a finite number >= 0, got {gamma}')}$"):
        FocalLoss(gamma)
