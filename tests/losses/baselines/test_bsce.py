from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from entreg.losses import BSCEGRALoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import log_softmax, softmax
from tests.losses.samples import examples, sample, targets


def weight(z: np.ndarray, q: np.ndarray, gamma: float) -> float:
    return float(np.linalg.norm(q - softmax(z)) ** gamma)


def cross_entropy(z: np.ndarray, q: np.ndarray) -> float:
    return float(-(q * log_softmax(z)).sum())


@targets
@examples
@given(gamma=st.floats(0, 6))
def test_values_are_those_of_the_formula(target_kind: str, gamma: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, q: weight(z, q, gamma) * cross_entropy(z, q), logits, target)
    torch.testing.assert_close(BSCEGRALoss(gamma, reduction="none")(logits, target), want)


@targets
def test_the_gradient_is_that_of_cross_entropy_times_the_weight(target_kind: str) -> None:
    logits, target = sample(target_kind)
    weights = oracle(lambda z, q: weight(z, q, 4.0), logits, target)
    _, gradient = with_gradient(BSCEGRALoss(reduction="sum"), logits, target)
    _, of_ce = with_gradient(lambda z, y: F.cross_entropy(z, y, reduction="sum"), logits, target)
    torch.testing.assert_close(gradient, weights[:, None] * of_ce)


@pytest.mark.parametrize("gamma", [-0.5, math.nan, math.inf])
def test_gamma_out_of_its_range_is_refused(gamma: float) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'gamma must be a finite number >= 0, got {gamma}')}$"):
        BSCEGRALoss(gamma)
