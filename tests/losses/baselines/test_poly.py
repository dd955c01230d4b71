from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from entreg.losses import MixEntLoss, Poly1Loss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import softmax
from tests.losses.samples import FIXED, examples, sample, targets


def poly1(z: np.ndarray, q: np.ndarray, epsilon: float, terms: int = 5000) -> float:
    """The expansion in powers of ``1 - p_y``, whose first coefficient is moved."""
    powers = np.arange(1, terms + 1)
    coefficients = 1 / powers
    coefficients[0] += epsilon
    miss = 1 - softmax(z)
    return sum(q[k] * (coefficients * miss[k] ** powers).sum() for k in range(len(z)))


@targets
@examples
@given(epsilon=st.floats(-1, 8))
def test_values_are_those_of_the_expansion(target_kind: str, epsilon: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, q: poly1(z, q, epsilon), logits, target)
    torch.testing.assert_close(Poly1Loss(epsilon, reduction="none")(logits, target), want)


def test_epsilon_is_2_by_default() -> None:
    logits, target = sample()
    torch.testing.assert_close(Poly1Loss()(logits, target), Poly1Loss(2.0)(logits, target), rtol=0, atol=0)


@pytest.mark.parametrize("eps", [1e-6, math.exp(-4)])
@pytest.mark.parametrize("epsilon", [0.5, 6.0])
def test_for_hard_targets_it_is_mix_ent_with_fixed_coefficients(epsilon: float, eps: float) -> None:
    logits, target = sample()
    mix_ent = MixEntLoss(1.0, math.e, epsilon / -math.log(eps), math.e, eps=eps, **FIXED)
    got = with_gradient(Poly1Loss(epsilon), logits, target)
    torch.testing.assert_close(got, with_gradient(mix_ent, logits, target), rtol=1e-6, atol=1e-9)


def test_at_epsilon_of_minus_1_the_slope_of_a_right_prediction_vanishes_faster_than_its_miss() -> None:
    miss = 1e-4
    logits = torch.tensor([[math.log((1 - miss) / miss), 0.0]], dtype=torch.float64)
    target = torch.tensor([0])
    for epsilon, slope in ((0.0, miss), (-1.0, miss**2)):
        _, gradient = with_gradient(Poly1Loss(epsilon), logits, target)
        assert -gradient[0, 0].item() == pytest.approx(slope, rel=1e-3)


@pytest.mark.parametrize("epsilon", [-1.5, math.nan, math.inf])
def test_epsilon_out_of_its_range_is_refused(epsilon: float) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'epsilon must be a finite number >= -1, got {epsilon}')}$"):
        Poly1Loss(epsilon)
