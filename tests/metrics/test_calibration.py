"""Calibration error against netcal, by hand, and on the inputs that break binning."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from netcal.metrics import ECE, MCE

from entreg.metrics import (
    CalibrationError,
    DebiasedCalibrationError,
    bin_confidences,
    calibration_error,
    debiased_calibration_error,
    debiased_squared_calibration_error,
    top_label,
)
from tests.metrics.inputs import random_logits, state_of

# bin        confidence  correct    sum of confidences  number correct  |difference|
# [.2, .4)   -                      0                   0               0
# [.4, .6)   .55         yes
#            .58         no         1.13                1               .13
# [.6, .8)   .65         yes
#            .75         yes
#            .70         no         2.10                2               .10
# [.8, 1]    .90         yes
#            .95         no         1.85                1               .85
# ECE = (.13 + .10 + .85) / 7
CONFIDENCE = torch.tensor([0.55, 0.58, 0.65, 0.75, 0.70, 0.90, 0.95], dtype=torch.float64)
CORRECT = torch.tensor([True, False, True, True, False, True, False])
TABLE = torch.tensor([[0, 0, 2, 3, 2], [0, 0, 1.13, 2.10, 1.85], [0, 0, 1, 2, 1]], dtype=torch.float64)


def error(logits, target, bins=15):
    metric = CalibrationError(bins=bins)
    metric.update(logits, target)
    return metric.compute()


def netcal_error(logits, target, bins=15):
    return ECE(bins=bins).measure(logits.softmax(1).numpy(), target.numpy())


@pytest.mark.parametrize("bins", [1, 10, 15])
@pytest.mark.parametrize("scale", [0.1, 10.0])
def test_error_equals_netcal(bins, scale):
    logits, target = random_logits(2000, scale=scale)
    assert error(logits, target, bins).item() == pytest.approx(netcal_error(logits, target, bins), abs=1e-12)


def test_error_equals_netcal_with_empty_bins():
    logits, target = random_logits(40, scale=20.0)
    assert (bin_confidences(logits.softmax(1).amax(1), target == 0, 15)[0] == 0).any()
    assert error(logits, target).item() == pytest.approx(netcal_error(logits, target), abs=1e-12)


def test_error_equals_a_table_computed_by_hand():
    logits = torch.stack([CONFIDENCE, 1 - CONFIDENCE], dim=1).log()
    torch.testing.assert_close(bin_confidences(CONFIDENCE, CORRECT, 5), TABLE)
    assert error(logits, (~CORRECT).long(), bins=5).item() == pytest.approx(1.08 / 7, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_confidence_of_exactly_one_is_in_the_last_bin(dtype):
    logits = torch.eye(4, dtype=dtype) * 1e4
    metric = CalibrationError()
    metric.update(logits, torch.tensor([0, 1, 2, 0]))
    assert metric.state[:, -1].tolist() == [4, 4, 3]
    assert not metric.state[:, :-1].any()
    assert metric.compute() == 0.25


@pytest.mark.parametrize(("target", "expected"), [(0, 0.25), (1, 0.75)])
def test_one_sample(target, expected):
    logits = torch.tensor([[0.75, 0.25]], dtype=torch.float64).log()
    assert error(logits, torch.tensor([target])).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")  # torchmetrics does not count merging
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 499), max_size=8, unique=True), st.sampled_from([torch.float32, torch.bfloat16]))
def test_batching_and_merging_change_no_bit(cuts, dtype):
    logits, target = random_logits(500, classes=26, dtype=dtype)
    whole = error(logits, target)
    batched, merged = CalibrationError(), CalibrationError()
    for part in torch.tensor_split(torch.arange(500), sorted(cuts)):
        batched.update(logits[part], target[part])
        shard = CalibrationError()
        shard.update(logits[part], target[part])
        merged.merge_state(shard)
    assert torch.equal(batched.compute(), whole)
    assert torch.equal(merged.compute(), whole)


def test_one_bin_is_the_difference_of_mean_confidence_and_accuracy():
    logits, target = random_logits(100)
    confidence, predicted = logits.softmax(1).max(1)
    expected = abs(confidence.mean() - (predicted == target).double().mean()).item()
    assert error(logits, target, bins=1).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_sample_gives_nan():
    assert CalibrationError().compute().isnan()
    assert error(torch.empty(0, 5), torch.empty(0, dtype=torch.int64)).isnan()


def test_reset_forgets_everything():
    metric = CalibrationError()
    metric.update(*random_logits(50))
    metric.reset()
    metric.update(*random_logits(70, seed=1))
    assert torch.equal(metric.compute(), error(*random_logits(70, seed=1)))


@pytest.mark.parametrize("bins", [0, -1])
def test_bins_below_one_are_refused(bins):
    with pytest.raises(ValueError, match=f"bins must be >= 1, got {bins}"):
        CalibrationError(bins=bins)


def test_an_unknown_norm_is_refused():
    with pytest.raises(ValueError, match="norm must be one of 'l1', 'l2', 'max', got 'l3'"):
        CalibrationError(norm="l3")
    with pytest.raises(ValueError, match="norm must be one of 'l1', 'l2', 'max', got 'l3'"):
        calibration_error(TABLE, "l3")


@pytest.mark.parametrize(("n", "scale"), [(40, 3.0), (2000, 0.1), (2000, 1e4)])
def test_maximum_equals_netcal(n, scale):
    logits, target = random_logits(n, scale=scale)
    expected = MCE(bins=15).measure(logits.softmax(1).numpy(), target.numpy())
    assert state_of(CalibrationError(norm="max"), logits, target).compute().item() == pytest.approx(expected, abs=1e-12)


def bins_of(logits, target, bins):
    """Confidences and correctness of each bin that is not empty."""
    p = logits.softmax(1).numpy()
    confidence, correct = p.max(1), p.argmax(1) == target.numpy()
    for m in range(bins):
        inside = (confidence >= m / bins) & ((confidence < (m + 1) / bins) | (m == bins - 1))
        if inside.any():
            yield confidence[inside], correct[inside]


@pytest.mark.parametrize("scale", [3.0, 1e4])
@pytest.mark.parametrize("n", [1, 30, 2000])
@pytest.mark.parametrize("bins", [1, 15])
def test_l2_maximum_and_debiased_equal_loops_over_bins(n, scale, bins):
    logits, target = random_logits(n, scale=scale)
    plug_in = debiased = largest = 0
    for confidence, correct in bins_of(logits, target, bins):
        gap = (confidence.mean() - correct.mean()) ** 2
        largest = max(largest, gap**0.5)
        plug_in += len(correct) / n * gap
        if len(correct) > 1:
            debiased += len(correct) / n * (gap - correct.var(ddof=1) / len(correct))
    l2 = state_of(CalibrationError(bins, norm="l2"), logits, target).compute()
    assert l2.item() == pytest.approx(plug_in**0.5, abs=1e-12)
    maximum = state_of(CalibrationError(bins, norm="max"), logits, target).compute()
    assert maximum.item() == pytest.approx(largest, abs=1e-12)
    squared = state_of(DebiasedCalibrationError(bins), logits, target).compute()
    assert squared.item() == pytest.approx(debiased, abs=1e-12)
    root = debiased_calibration_error(bin_confidences(*top_label(logits, target), bins))
    assert root.item() == pytest.approx(max(debiased, 0) ** 0.5, abs=1e-9)


@pytest.mark.parametrize(("confidence", "accuracy"), [(0.8, 0.8), (0.9, 0.7)])
def test_the_debiased_square_is_unbiased_and_the_plug_in_is_not(confidence, accuracy):
    n, repeats = 20, 10_000
    correct = np.random.default_rng(0).binomial(n, accuracy, repeats)
    states = torch.tensor(np.stack([np.full(repeats, n), np.full(repeats, n * confidence), correct])).double()
    debiased = torch.stack([debiased_squared_calibration_error(state[:, None]) for state in states.T])
    plug_in = (states[1] / n - states[2] / n).square()
    true, tolerance = (confidence - accuracy) ** 2, 4 * debiased.std() / repeats**0.5
    assert abs(debiased.mean() - true) < tolerance
    assert plug_in.mean() - true > 5 * tolerance
    assert (debiased < 0).any()


def test_bins_of_one_sample_say_nothing_about_the_debiased_error():
    one = bin_confidences(torch.tensor([0.1, 0.9]), torch.tensor([True, False]), 2)
    assert debiased_squared_calibration_error(one) == 0
    assert calibration_error(one, "l2").item() == pytest.approx(0.9)


def test_an_empty_state_is_nan_in_every_norm():
    for norm in ("l1", "l2", "max"):
        assert calibration_error(torch.zeros(3, 4).double(), norm).isnan()
    assert debiased_squared_calibration_error(torch.zeros(3, 4).double()).isnan()


@pytest.mark.parametrize("norm", ["l1", "l2", "max"])
def test_a_diverged_network_does_not_look_calibrated(norm):
    logits, target = random_logits(10)
    logits[3] = torch.nan
    assert state_of(CalibrationError(norm=norm), logits, target).compute().isnan()
    assert state_of(DebiasedCalibrationError(), logits, target).compute().isnan()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 60), st.integers(1, 20), st.sampled_from([0.1, 3.0, 50.0]), st.integers(0, 99))
def test_norms_are_ordered_and_no_order_of_samples_matters(n, bins, scale, seed):
    logits, target = random_logits(n, scale=scale, seed=seed, dtype=torch.float32)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    state = bin_confidences(*top_label(logits, target), bins)
    assert torch.equal(state, bin_confidences(*top_label(logits[order], target[order]), bins))
    l1, l2, largest = (calibration_error(state, norm).item() for norm in ("l1", "l2", "max"))
    assert 0 <= l1 <= l2 + 1e-12 <= largest + 2e-12 <= 1 + 2e-12
    squared = debiased_squared_calibration_error(state).item()
    assert -0.25 <= squared <= l2**2 + 1e-12
