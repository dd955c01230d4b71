from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from entreg.losses import LabelSmoothingLoss, NegativeLabelSmoothingLoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import log_softmax
from tests.losses.samples import examples, sample, targets


def smoothed(z: np.ndarray, q: np.ndarray, rate: float) -> float:
    log_p = log_softmax(z)
    return -sum(((1 - rate) * q[k] + rate / len(z)) * log_p[k] for k in range(len(z)))


@targets
@examples
@given(rate=st.floats(-8, 0))
def test_values_are_those_of_equation_1(target_kind: str, rate: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, q: smoothed(z, q, rate), logits, target)
    torch.testing.assert_close(NegativeLabelSmoothingLoss(rate, reduction="none")(logits, target), want)


@targets
def test_it_is_as_far_from_cross_entropy_as_label_smoothing_and_on_the_other_side(target_kind: str) -> None:
    batch = sample(target_kind)
    ce, smooth, sharp = (
        with_gradient(loss, *batch)
        for loss in (LabelSmoothingLoss(0.0), LabelSmoothingLoss(0.2), NegativeLabelSmoothingLoss())
    )
    for middle, one, other in zip(ce, smooth, sharp, strict=True):
        torch.testing.assert_close(one + other, 2 * middle)


def test_it_has_no_minimum() -> None:
    logits = torch.tensor([[1e3, 0.0, 0.0], [1e6, 0.0, 0.0]], dtype=torch.float64)
    value, gradient = with_gradient(NegativeLabelSmoothingLoss(-1.0, reduction="none"), logits, torch.tensor([0, 0]))
    torch.testing.assert_close(value, -2 / 3 * logits[:, 0])
    torch.testing.assert_close(gradient[:, 0], torch.full((2,), -2 / 3, dtype=torch.float64))


def test_a_class_that_is_switched_off_makes_it_infinite() -> None:
    assert NegativeLabelSmoothingLoss()(torch.tensor([[0.0, 0.0, -math.inf]]), torch.tensor([0])) == -math.inf


@pytest.mark.parametrize("rate", [0.1, math.nan, -math.inf])
def test_a_rate_out_of_its_range_is_refused(rate: float) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'rate must be a finite number <= 0, got {rate}')}$"):
        NegativeLabelSmoothingLoss(rate)
