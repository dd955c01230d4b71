"""Class-wise calibration error against netcal class by class, and what streaming may not change."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from netcal.metrics import ECE

from entreg.metrics import CalibrationError, ClasswiseCalibrationError
from tests.metrics.inputs import random_logits, state_of


def error(logits, target, bins=15):
    return state_of(ClasswiseCalibrationError(logits.shape[1], bins), logits, target).compute()


@pytest.mark.parametrize("scale", [3.0, 1e4])
@pytest.mark.parametrize("bins", [1, 15])
def test_error_is_the_mean_of_netcal_over_the_classes(bins, scale):
    logits, target = random_logits(500, classes=6, scale=scale)
    p = logits.softmax(1)
    each = [ECE(bins=bins).measure(p[:, k].numpy(), (target == k).long().numpy()) for k in range(6)]
    assert error(logits, target, bins).item() == pytest.approx(sum(each) / 6, abs=1e-12)


def test_a_class_that_is_never_the_target_counts():
    logits = torch.tensor([[0.7, 0.3]], dtype=torch.float64).log()
    assert error(logits, torch.tensor([0])).item() == pytest.approx((0.3 + 0.3) / 2, abs=1e-12)


def test_half_precision_is_computed_in_float32():
    logits, target = random_logits(200, dtype=torch.bfloat16)
    assert torch.equal(error(logits, target), error(logits.float(), target))


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(1, 199), max_size=6, unique=True), st.integers(0, 50))
def test_batches_merges_and_order_change_only_the_rounding(cuts, seed):
    logits, target = random_logits(200, dtype=torch.float32, seed=seed)
    order = torch.randperm(200, generator=torch.Generator().manual_seed(seed))
    whole = error(logits, target)
    merged = ClasswiseCalibrationError(10)
    for part in torch.tensor_split(order, sorted(cuts)):
        merged.merge_state(state_of(ClasswiseCalibrationError(10), logits[part], target[part]))
    torch.testing.assert_close(merged.compute(), whole, rtol=1e-12, atol=1e-14)
    assert 0 <= whole <= 1


def test_two_classes_and_one_bin_give_the_gap_of_the_class_shares():
    logits, target = random_logits(100, classes=2)
    expected = (logits.softmax(1)[:, 0].mean() - (target == 0).double().mean()).abs()
    torch.testing.assert_close(error(logits, target, bins=1), expected, rtol=1e-12, atol=0)
    assert not torch.allclose(expected, state_of(CalibrationError(1), logits, target).compute())


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_sample_gives_nan_and_nan_stays_visible():
    assert ClasswiseCalibrationError(3).compute().isnan()
    assert error(torch.tensor([[0.0, torch.nan]]), torch.tensor([0])).isnan()


@pytest.mark.parametrize(("classes", "bins", "name"), [(0, 5, "num_classes"), (3, 0, "bins")])
def test_sizes_below_one_are_refused(classes, bins, name):
    with pytest.raises(ValueError, match=f"{name} must be >= 1, got 0"):
        ClasswiseCalibrationError(classes, bins)
