from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from entreg.losses import FocalLoss, MDCALoss
from tests.losses.baselines import with_gradient
from tests.losses.oracle import softmax
from tests.losses.samples import examples, sample, targets

WEIGHT = [0.5, 1.0, 2.0, 3.0]


def mdca(logits: Tensor, target: Tensor) -> float:
    p = softmax(logits.numpy())
    q = (target if target.is_floating_point() else F.one_hot(target, p.shape[1])).numpy()
    return float(np.mean([abs(np.mean(p[:, k]) - np.mean(q[:, k])) for k in range(p.shape[1])]))


@targets
@examples
@given(strength=st.floats(0, 10), gamma=st.floats(0, 3))
def test_the_loss_is_focal_loss_plus_the_mean_over_classes(target_kind: str, strength: float, gamma: float) -> None:
    logits, target = sample(target_kind)
    want = FocalLoss(gamma)(logits, target) + strength * mdca(logits, target)
    torch.testing.assert_close(MDCALoss(strength, gamma)(logits, target), want)


def test_by_default_it_is_beside_cross_entropy_with_strength_1() -> None:
    logits, target = sample()
    torch.testing.assert_close(MDCALoss()(logits, target), F.cross_entropy(logits, target) + mdca(logits, target))


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_class_weights_and_reduction_are_those_of_the_first_part(reduction: str) -> None:
    logits, target = sample()
    ce = F.cross_entropy(logits, target, torch.tensor(WEIGHT).double(), reduction=reduction)
    found = MDCALoss(weight=WEIGHT, reduction=reduction)(logits, target)
    torch.testing.assert_close(found, ce + mdca(logits, target))


def test_ignored_samples_are_not_of_the_batch() -> None:
    logits, target = sample()
    target[1::2] = -100
    kept = target != -100
    value, gradient = with_gradient(MDCALoss(), logits, target)
    torch.testing.assert_close((value, gradient[kept]), with_gradient(MDCALoss(), logits[kept], target[kept]))
    assert (gradient[~kept] == 0).all()
    nothing = MDCALoss(reduction="sum")(logits, torch.full((6,), -100))
    assert nothing == 0


@targets
def test_positions_are_samples_and_half_precision_is_computed_in_single(target_kind: str) -> None:
    logits, target = sample(target_kind, torch.float32)
    rows = [values.reshape(2, 3, *values.shape[1:]) for values in (logits, target)]
    dense = [values.movedim(2, 1) if values.ndim == 3 else values for values in rows]
    torch.testing.assert_close(MDCALoss()(*dense), MDCALoss()(logits, target))
    half = MDCALoss()(logits.bfloat16(), target)
    assert half.dtype == torch.float32
    torch.testing.assert_close(half, MDCALoss()(logits.bfloat16().float(), target), rtol=0, atol=0)


@pytest.mark.parametrize("name", ["strength", "gamma"])
@pytest.mark.parametrize("value", [-1.0, math.nan])
def test_numbers_out_of_their_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(f'{name} must be a finite number >= 0, got {value}')}$"):
        MDCALoss(**{name: value})


def test_a_value_a_sample_is_refused() -> None:
    message = "MDCA is a property of the batch: reduction must be 'mean' or 'sum', got 'none'"
    with pytest.raises(ValueError, match=f"^{message}$"):
        MDCALoss(reduction="none")
