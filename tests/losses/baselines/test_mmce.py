from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.profiler import ProfilerActivity, profile

from entreg.losses import MMCELoss
from tests.losses.baselines import with_gradient
from tests.losses.oracle import softmax
from tests.losses.samples import examples, sample


def mmce(logits: Tensor, target: Tensor, bandwidth: float = 0.4) -> float:
    p = softmax(logits.numpy())
    total = 0.0
    for i in range(len(p)):
        for j in range(len(p)):
            excess = 1.0
            for row in (i, j):
                excess *= float(p[row].argmax() == target[row].item()) - p[row].max()
            total += excess * math.exp(-abs(p[i].max() - p[j].max()) / bandwidth)
    return math.sqrt(total) / len(p)


@examples
@given(strength=st.floats(0, 10), bandwidth=st.floats(0.01, 10))
def test_the_loss_is_cross_entropy_plus_a_double_sum(strength: float, bandwidth: float) -> None:
    logits, target = sample()
    want = F.cross_entropy(logits, target) + strength * mmce(logits, target, bandwidth)
    torch.testing.assert_close(MMCELoss(strength, bandwidth)(logits, target), want)


def test_the_defaults_are_one_and_the_papers_bandwidth() -> None:
    logits, target = sample()
    want = F.cross_entropy(logits, target) + mmce(logits, target, bandwidth=0.4)
    torch.testing.assert_close(MMCELoss()(logits, target), want)


def by_pairs(logits: Tensor, target: Tensor, bandwidth: float) -> Tensor:
    """Every pair of samples, N x N of them at once."""
    confidence, predicted = logits.softmax(1).max(1)
    excess = (predicted == target).to(logits.dtype) - confidence
    kernel = torch.exp(-(confidence[:, None] - confidence[None, :]).abs() / bandwidth)
    return (excess[:, None] * kernel * excess[None, :]).sum().sqrt() / len(logits)


@pytest.mark.parametrize("bandwidth", [1e-3, 0.4, 10.0])
def test_value_and_gradient_are_those_of_all_pairs_tied_or_not(bandwidth: float) -> None:
    generator = torch.Generator().manual_seed(3)
    logits = torch.randn(97, 5, generator=generator, dtype=torch.float64)
    logits[40:70] = logits[:1]  # of one confidence, some right, some wrong
    logits[70:] *= 1000  # of confidence 1
    target = torch.randint(5, (97,), generator=generator)
    got = with_gradient(MMCELoss(bandwidth=bandwidth).calibration_error, logits, target)
    torch.testing.assert_close(got, with_gradient(lambda z, y: by_pairs(z, y, bandwidth), logits, target))


def test_memory_grows_with_the_samples_and_not_with_their_square() -> None:
    samples = 20_000
    logits, target = torch.randn(samples, 3, requires_grad=True), torch.zeros(samples, dtype=torch.int64)
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        MMCELoss()(logits, target).backward()
    assert max(event.self_cpu_memory_usage for event in profiler.events()) < 100 * samples  # bytes; 8 N^2 are 3.2e9


@pytest.mark.parametrize("options", [{}, {"weight": [0.5, 1.0, 2.0, 3.0]}])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_class_weights_and_reduction_are_those_of_the_cross_entropy(reduction: str, options: dict[str, Any]) -> None:
    logits, target = sample()
    weight = torch.tensor(options["weight"], dtype=torch.float64) if options else None
    want = F.cross_entropy(logits, target, weight, reduction=reduction) + mmce(logits, target)
    torch.testing.assert_close(MMCELoss(reduction=reduction, **options)(logits, target), want)


@pytest.mark.parametrize("ignore_index", [-100, 2])
@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_ignored_samples_might_as_well_not_be_there(ignore_index: int, reduction: str) -> None:
    logits, target = sample()
    target[1::2] = ignore_index
    kept = target != ignore_index
    loss = MMCELoss(ignore_index=ignore_index, reduction=reduction)
    value, gradient = with_gradient(loss, logits, target)
    torch.testing.assert_close((value, gradient[kept]), with_gradient(loss, logits[kept], target[kept]))
    assert (gradient[~kept] == 0).all()


def test_a_batch_of_which_nothing_counts_sums_to_0() -> None:
    logits, _ = sample()
    value, gradient = with_gradient(MMCELoss(reduction="sum"), logits, torch.full((6,), -100))
    assert value.item() == pytest.approx(0.0, abs=1e-15)
    assert (gradient == 0).all()


def test_positions_are_samples() -> None:
    logits = torch.randn(2, 4, 3, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    target = torch.randint(4, (2, 3, 2), generator=torch.Generator().manual_seed(1))
    flat = logits.movedim(1, -1).reshape(-1, 4)
    torch.testing.assert_close(MMCELoss()(logits, target), MMCELoss()(flat, target.flatten()))


@pytest.mark.parametrize("label", [0, 1])
def test_one_sample_has_the_distance_of_confidence_and_truth(label: int) -> None:
    logits = torch.tensor([1.0, -0.5, 0.3])
    error = MMCELoss().calibration_error(logits, torch.tensor(label))
    want = (float(label == 0) - logits.softmax(0)[0]).abs()
    torch.testing.assert_close(error, want)
    torch.testing.assert_close(
        MMCELoss()(logits, torch.tensor(label)), F.cross_entropy(logits, torch.tensor(label)) + want
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_computed_in_single(dtype: torch.dtype) -> None:
    logits, target = sample(dtype=torch.float32)
    got = MMCELoss()(logits.to(dtype), target)
    assert got.dtype == torch.float32
    torch.testing.assert_close(got, MMCELoss()(logits.to(dtype).float(), target), rtol=0, atol=0)


def test_a_calibrated_batch_has_an_error_of_0_and_a_finite_gradient() -> None:
    logits, target = torch.zeros(2, 2), torch.tensor([0, 1])
    value, gradient = with_gradient(MMCELoss().calibration_error, logits, target)
    assert value.item() == pytest.approx(0.0, abs=1e-15)
    assert gradient.isfinite().all()


@examples
@given(scale=st.floats(0.01, 1e4), seed=st.integers(0, 100))
def test_the_error_lies_in_0_to_1(scale: float, seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    logits, target = scale * torch.randn(8, 3, generator=generator), torch.randint(3, (8,), generator=generator)
    assert 0 <= MMCELoss().calibration_error(logits, target) <= 1 + np.finfo(np.float32).eps


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"strength": -1.0}, "strength must be a finite number >= 0, got -1.0"),
        ({"strength": math.inf}, "strength must be a finite number >= 0, got inf"),
        ({"bandwidth": 0.0}, "bandwidth must be a finite number > 0, got 0.0"),
        ({"bandwidth": math.inf}, "bandwidth must be a finite number > 0, got inf"),
        ({"bandwidth": math.nan}, "bandwidth must be a finite number > 0, got nan"),
        ({"reduction": "none"}, "MMCE is a property of the batch: reduction must be 'mean' or 'sum', got 'none'"),
        ({"reduction": "max"}, "reduction must be 'none', 'mean' or 'sum', got 'max'"),
    ],
)
def test_arguments_out_of_their_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(message)}$"):
        MMCELoss(**options)


def test_probabilities_are_refused() -> None:
    message = "MMCE asks whether a prediction is right: the target must be class indices"
    with pytest.raises(ValueError, match=f"^{message}$"):
        MMCELoss()(*sample("soft"))
