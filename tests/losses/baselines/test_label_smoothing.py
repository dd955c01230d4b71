from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
from torch import nn

from entreg.losses import LabelSmoothingLoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import log_softmax
from tests.losses.samples import sample, targets

WEIGHT = [0.5, 1.0, 2.0, 3.0]


def label_smoothing(z: np.ndarray, q: np.ndarray, smoothing: float) -> float:
    log_p = log_softmax(z)
    return sum(-((1 - smoothing) * q[k] + smoothing / len(z)) * log_p[k] for k in range(len(z)))


@targets
@pytest.mark.parametrize("smoothing", [0.05, 1.0])
def test_values_are_those_of_the_formula(target_kind: str, smoothing: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, q: label_smoothing(z, q, smoothing), logits, target)
    torch.testing.assert_close(LabelSmoothingLoss(smoothing, reduction="none")(logits, target), want)


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
@targets
def test_it_is_that_of_pytorch(target_kind: str, reduction: str) -> None:
    logits, target = sample(target_kind)
    options = {"reduction": reduction}
    if target_kind == "hard":
        target[0] = 1
        options["ignore_index"] = 1
    torchs = nn.CrossEntropyLoss(torch.tensor(WEIGHT, dtype=torch.float64), label_smoothing=0.1, **options)
    got = with_gradient(LabelSmoothingLoss(0.1, weight=WEIGHT, **options), logits, target)
    torch.testing.assert_close(got, with_gradient(torchs, logits, target))


def test_a_tenth_is_smoothed_by_default() -> None:
    logits, target = sample()
    want = nn.CrossEntropyLoss(label_smoothing=0.1)(logits, target)
    torch.testing.assert_close(LabelSmoothingLoss()(logits, target), want)


def test_a_class_that_is_switched_off_makes_it_infinite_unless_nothing_is_smoothed() -> None:
    logits, target = torch.tensor([[0.0, 0.0, -math.inf]]), torch.tensor([0])
    assert LabelSmoothingLoss(0.1)(logits, target) == math.inf
    assert LabelSmoothingLoss(0.0)(logits, target).item() == pytest.approx(math.log(2))


@pytest.mark.parametrize("smoothing", [-0.1, 1.1, math.nan])
def test_smoothing_out_of_its_range_is_refused(smoothing: float) -> None:
    message = f"smoothing must be a number in [0, 1], got {smoothing}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LabelSmoothingLoss(smoothing)
