from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from entreg.losses import EpsSoftmaxLoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import softmax
from tests.losses.samples import examples, sample, targets


def eps_softmax(z: np.ndarray, q: np.ndarray, m: float, alpha: float, beta: float) -> float:
    p = softmax(z)
    sharpened = (p + m * (np.arange(len(z)) == p.argmax())) / (1 + m)
    return sum(q[k] * (-alpha * math.log(sharpened[k]) + 2 * beta * (1 - p[k])) for k in range(len(z)))


@targets
@examples
@given(m=st.floats(0, 1e5), alpha=st.floats(0, 2), beta=st.floats(0, 10))
def test_values_are_those_of_the_formula(target_kind: str, m: float, alpha: float, beta: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, q: eps_softmax(z, q, m, alpha, beta), logits, target)
    torch.testing.assert_close(EpsSoftmaxLoss(m, alpha, beta, reduction="none")(logits, target), want)


def test_the_defaults_are_those_of_the_authors_without_noise() -> None:
    logits, target = sample()
    want = oracle(lambda z, q: eps_softmax(z, q, 1e4, 0.1, 1.0), logits, target).mean()
    torch.testing.assert_close(EpsSoftmaxLoss()(logits, target), want)


def test_a_probability_is_not_lost_beside_m() -> None:
    logits = torch.tensor([[0.5, 0.0, -1.0]], dtype=torch.float64)
    loss = EpsSoftmaxLoss(m=1e5, alpha=1.0, beta=0.0)
    exact = with_gradient(loss, logits, torch.tensor([0]))
    found = with_gradient(loss, logits.float(), torch.tensor([0]))
    torch.testing.assert_close(found, tuple(value.float() for value in exact), rtol=1e-5, atol=0)


def test_classes_that_tie_for_the_largest_are_all_predicted() -> None:
    logits = torch.tensor([[1.0, 1.0, 0.0]]).expand(3, 3)
    first, second, third = EpsSoftmaxLoss(reduction="none")(logits, torch.arange(3)).tolist()
    assert first == second < third


@pytest.mark.parametrize("name", ["m", "alpha", "beta"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_numbers_out_of_their_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'{name} must be a finite number >= 0, got {value}')}$"):
        EpsSoftmaxLoss(**{name: value})
