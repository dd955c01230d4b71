from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from entreg.losses import MarginLabelSmoothingLoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import softmax
from tests.losses.samples import examples, sample, targets


def margin_label_smoothing(z: np.ndarray, q: np.ndarray, margin: float, alpha: float) -> float:
    p = softmax(z)
    total = 0.0
    for k in range(len(z)):
        if math.isfinite(z[k]):
            total -= q[k] * math.log(p[k])
            total += alpha / len(z) * max(0.0, max(z) - z[k] - margin)
    return total


@targets
@examples
@given(margin=st.floats(0, 6), alpha=st.floats(0, 3))
def test_values_are_those_of_the_formula(target_kind: str, margin: float, alpha: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, q: margin_label_smoothing(z, q, margin, alpha), logits, target)
    torch.testing.assert_close(MarginLabelSmoothingLoss(margin, alpha, reduction="none")(logits, target), want)


def test_the_defaults_are_those_of_the_authors() -> None:
    logits, target = sample()
    want = oracle(lambda z, q: margin_label_smoothing(z, q, 10.0, 0.1), 5 * logits, target)
    torch.testing.assert_close(MarginLabelSmoothingLoss()(5 * logits, target), want.mean())
    assert MarginLabelSmoothingLoss()(5 * logits, target) > F.cross_entropy(5 * logits, target)


@targets
def test_within_the_margin_it_is_cross_entropy_and_beyond_it_is_not(target_kind: str) -> None:
    logits, target = sample(target_kind)
    widest = (logits.amax(1) - logits.amin(1)).max().item()
    ce = with_gradient(F.cross_entropy, logits, target)
    torch.testing.assert_close(with_gradient(MarginLabelSmoothingLoss(margin=widest), logits, target), ce)
    value, gradient = with_gradient(MarginLabelSmoothingLoss(margin=0.9 * widest), logits, target)
    assert value > ce[0]
    assert not torch.allclose(gradient, ce[1])


@targets
def test_switched_off_classes_are_left_out(target_kind: str) -> None:
    logits, target = sample(target_kind)
    off = torch.tensor([False, True, False, False])
    logits[:, off] = -math.inf
    if target_kind == "soft":
        target = torch.where(off, 0.0, target)
        target /= target.sum(1, keepdim=True)
    else:
        target = torch.where(target == 1, 2, target)
    value, gradient = with_gradient(MarginLabelSmoothingLoss(1.0, 0.5, reduction="none"), logits, target)
    torch.testing.assert_close(value, oracle(lambda z, q: margin_label_smoothing(z, q, 1.0, 0.5), logits, target))
    assert gradient.isfinite().all()
    assert (gradient[:, off] == 0).all()


@pytest.mark.parametrize("name", ["margin", "alpha"])
@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_numbers_out_of_their_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'{name} must be a finite number >= 0, got {value}')}$"):
        MarginLabelSmoothingLoss(**{name: value})
