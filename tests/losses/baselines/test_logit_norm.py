from __future__ import annotations

import math
import re

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from entreg.losses import LogitNormLoss
from tests.losses.baselines import oracle, with_gradient
from tests.losses.oracle import log_softmax
from tests.losses.samples import examples, sample, targets


def logit_norm(z: np.ndarray, q: np.ndarray, temperature: float) -> float:
    log_p = log_softmax(z / (temperature * math.sqrt(sum(value**2 for value in z))))
    return -sum(q[k] * log_p[k] for k in range(len(z)))


@targets
@examples
@given(temperature=st.floats(0.01, 10))
def test_values_are_those_of_the_formula(target_kind: str, temperature: float) -> None:
    logits, target = sample(target_kind)
    want = oracle(lambda z, q: logit_norm(z, q, temperature), logits, target)
    torch.testing.assert_close(LogitNormLoss(temperature, reduction="none")(logits, target), want)


def test_the_default_is_that_of_the_paper_and_its_gradient_that_of_plain_autograd() -> None:
    def plain(z: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(z / z.norm(dim=1, keepdim=True) / 0.04, y)

    torch.testing.assert_close(with_gradient(LogitNormLoss(), *sample()), with_gradient(plain, *sample()))


@pytest.mark.parametrize("factor", [1e-2, 1e20])
def test_the_length_of_the_logits_does_not_matter(factor: float) -> None:
    logits, target = sample(dtype=torch.float32)  # squares of 1e20 are no numbers of float32
    value, gradient = with_gradient(LogitNormLoss(), logits, target)
    found, slope = with_gradient(LogitNormLoss(), factor * logits, target)
    torch.testing.assert_close((found, factor * slope), (value, gradient), rtol=1e-4, atol=1e-6)
    assert (gradient * logits).sum(1).abs().max() < 1e-4  # no pull along the logits


@pytest.mark.parametrize("classes", [2, 5])
def test_its_least_value_is_that_of_the_documentation(classes: int) -> None:
    best = torch.full((1, classes), -1.0 / (classes - 1), dtype=torch.float64)
    best[0, 0] = 1.0
    value, gradient = with_gradient(LogitNormLoss(0.5), best, torch.tensor([0]))
    bound = math.log1p((classes - 1) * math.exp(-math.sqrt(classes / (classes - 1)) / 0.5))
    assert value.item() == pytest.approx(bound)
    assert gradient.abs().max() < 1e-12


def test_logits_of_0_have_a_gradient_that_half_precision_holds() -> None:
    value, gradient = with_gradient(LogitNormLoss(), torch.zeros(1, 4, dtype=torch.float16), torch.tensor([0]))
    assert value.item() == pytest.approx(math.log(4))
    assert gradient.isfinite().all()
    assert gradient[0, 0] < 0 < gradient[0, 1:].min()


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan, math.inf])
def test_a_temperature_out_of_its_range_is_refused(temperature: float) -> None:
    message = f"temperature must be a finite number > 0, got {temperature}"
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        LogitNormLoss(temperature)
