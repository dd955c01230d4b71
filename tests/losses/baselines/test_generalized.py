from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from entreg.losses import GeneralizedCrossEntropyLoss, MeanAbsoluteErrorLoss
from entreg.losses.functional import reverse_cross_entropy
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import softmax
from tests.losses.samples import examples, sample, targets


def generalized(z: np.ndarray, target: np.ndarray, q: float) -> float:
    p = softmax(z)
    return sum(target[k] * (1 - p[k] ** q) / q for k in range(len(z)))


def absolute_error(z: np.ndarray, target: np.ndarray) -> float:
    """Of hard targets, averaged over those that a soft one stands for."""
    p = softmax(z)
    total = 0.0
    for k in range(len(z)):
        for j in range(len(z)):
            total += target[k] * abs(p[j] - (1.0 if j == k else 0.0))
    return total


def of_every_label(loss: GeneralizedCrossEntropyLoss | MeanAbsoluteErrorLoss) -> torch.Tensor:
    logits, _ = sample()
    return torch.stack([loss(logits, torch.full((6,), label)) for label in range(4)]).sum(0)


@targets
@examples
@given(q=st.floats(1e-3, 1))
def test_values_are_those_of_equation_6(target_kind: str, q: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, distribution: generalized(z, distribution, q), logits, target)
    torch.testing.assert_close(GeneralizedCrossEntropyLoss(q, reduction="none")(logits, target), want)


def test_q_is_that_of_the_paper_by_default() -> None:
    logits, target = sample()
    want = oracle(lambda z, distribution: generalized(z, distribution, 0.7), logits, target)
    torch.testing.assert_close(GeneralizedCrossEntropyLoss()(logits, target), want.mean())


@targets
@pytest.mark.parametrize("q", [1e-6, 1e-42])
def test_a_vanishing_q_gives_cross_entropy(target_kind: str, q: float) -> None:
    logits, target = sample(target_kind, torch.float32)
    got = with_gradient(GeneralizedCrossEntropyLoss(q), logits, target)
    torch.testing.assert_close(got, with_gradient(F.cross_entropy, logits, target), rtol=1e-5, atol=1e-6)


@targets
def test_q_of_1_is_half_the_mean_absolute_error(target_kind: str) -> None:
    logits, target = sample(target_kind)
    value, gradient = with_gradient(MeanAbsoluteErrorLoss(), logits, target)
    got = with_gradient(GeneralizedCrossEntropyLoss(q=1.0), logits, target)
    torch.testing.assert_close(got, (value / 2, gradient / 2))


@examples
@given(q=st.floats(0.01, 1))
def test_its_sum_over_all_labels_is_bounded(q: float) -> None:
    total = of_every_label(GeneralizedCrossEntropyLoss(q, reduction="none"))
    assert ((4 - 4 ** (1 - q)) / q - 1e-9 <= total).all()
    assert (total <= (4 - 1) / q + 1e-9).all()


@targets
def test_mean_absolute_error_is_the_distance_of_prediction_and_label(target_kind: str) -> None:
    logits, target = sample(target_kind)
    want = oracle(absolute_error, logits, target)
    torch.testing.assert_close(MeanAbsoluteErrorLoss(reduction="none")(logits, target), want)


def test_mean_absolute_error_summed_over_all_labels_is_constant() -> None:
    total = of_every_label(MeanAbsoluteErrorLoss(reduction="none"))
    torch.testing.assert_close(total, torch.full_like(total, 2 * (4 - 1)))


@pytest.mark.parametrize("eps", [1e-6, math.exp(-4), 0.5])
def test_reverse_cross_entropy_is_mean_absolute_error_times_minus_ln_eps_over_2(eps: float) -> None:
    logits, target = sample()
    value, gradient = with_gradient(MeanAbsoluteErrorLoss(), logits, target)
    got = with_gradient(lambda z, y: reverse_cross_entropy(z, y, eps=eps), logits, target)
    torch.testing.assert_close(got, (value * -math.log(eps) / 2, gradient * -math.log(eps) / 2))


@pytest.mark.parametrize("q", [-0.1, 1.1, math.nan, math.inf])
def test_q_out_of_its_range_is_refused(q: float) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'q must be a number in [0, 1], got {q}')}$"):
        GeneralizedCrossEntropyLoss(q)
