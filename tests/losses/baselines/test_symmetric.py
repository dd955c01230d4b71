from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from entreg.losses import MeanAbsoluteErrorLoss, MixEntLoss, SymmetricCrossEntropyLoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import softmax
from tests.losses.samples import FIXED, examples, sample, targets


def symmetric_cross_entropy(z: np.ndarray, q: np.ndarray, alpha: float, beta: float, clip: float) -> float:
    p = softmax(z)
    total = 0.0
    for k in range(len(z)):
        total -= alpha * q[k] * math.log(p[k])
        total -= beta * p[k] * (max(math.log(q[k]), clip) if q[k] > 0 else clip)
    return total


@targets
@examples
@given(alpha=st.floats(0.01, 6), beta=st.floats(0.01, 6), clip=st.floats(-14, -0.5))
def test_values_are_those_of_the_formula(target_kind: str, alpha: float, beta: float, clip: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, q: symmetric_cross_entropy(z, q, alpha, beta, clip), logits, target)
    got = SymmetricCrossEntropyLoss(alpha, beta, clip, reduction="none")(logits, target)
    torch.testing.assert_close(got, want, rtol=1e-6, atol=0)


def test_the_defaults_are_a_tenth_one_and_minus_four() -> None:
    logits, target = sample()
    want = oracle(lambda z, q: symmetric_cross_entropy(z, q, 0.1, 1.0, -4.0), logits, target)
    torch.testing.assert_close(SymmetricCrossEntropyLoss()(logits, target), want.mean(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_class_weights_weigh_both_parts_of_a_sample(reduction: str) -> None:
    logits, target = sample()
    weight = np.array([0.5, 1.0, 2.0, 3.0])
    values = oracle(lambda z, q: weight @ q * symmetric_cross_entropy(z, q, 0.1, 1.0, -4.0), logits, target)
    want = {"none": values, "sum": values.sum(), "mean": values.sum() / weight[target].sum()}[reduction]
    got = SymmetricCrossEntropyLoss(weight=weight.tolist(), reduction=reduction)(logits, target)
    torch.testing.assert_close(got, want, rtol=1e-6, atol=0)


@targets
@pytest.mark.parametrize("clip", [-4.0, math.log(1e-6)])
def test_it_is_mix_ent_with_fixed_coefficients(target_kind: str, clip: float) -> None:
    logits, target = sample(target_kind)
    mix_ent = MixEntLoss(0.3, math.e, 2.0, math.e, eps=math.exp(clip), **FIXED)
    got = with_gradient(SymmetricCrossEntropyLoss(0.3, 2.0, clip), logits, target)
    torch.testing.assert_close(got, with_gradient(mix_ent, logits, target))


def test_its_reverse_part_is_mean_absolute_error_times_minus_half_the_clip() -> None:
    logits, target = sample()
    value, gradient = with_gradient(MeanAbsoluteErrorLoss(), logits, target)
    got = with_gradient(SymmetricCrossEntropyLoss(alpha=0.0, beta=1.0, clip=-6.0), logits, target)
    torch.testing.assert_close(got, (3 * value, 3 * gradient), rtol=1e-6, atol=1e-9)


def test_it_has_nothing_to_learn() -> None:
    assert list(SymmetricCrossEntropyLoss().parameters()) == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"alpha": -1.0}, "alpha must be a finite number >= 0, got -1.0"),
        ({"beta": math.inf}, "beta must be a finite number >= 0, got inf"),
        ({"clip": 0.0}, "clip stands for ln 0 and must lie between -87 and 0, got 0.0"),
        ({"clip": -math.inf}, "clip stands for ln 0 and must lie between -87 and 0, got -inf"),
        ({"clip": -800.0}, "clip stands for ln 0 and must lie between -87 and 0, got -800.0"),
        ({"clip": math.nan}, "clip stands for ln 0 and must lie between -87 and 0, got nan"),
        (
            {"alpha": 0.0, "beta": 0.0},
            "a loss needs a term: give ce, entropy, kl, rce or confidence a weight > 0",
        ),
    ],
)
def test_numbers_out_of_their_range_are_refused(options: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        SymmetricCrossEntropyLoss(**options)
