"""Adaptive calibration error against netcal and against all orders of tied samples."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from netcal.metrics import ECE

from entreg.metrics import adaptive_calibration_error, bin_equal_mass
from tests.metrics.inputs import random_confidences


def bins_in_this_order(confidence, correct, bins):
    """Sort stably and cut: what everyone does, ties in the order given."""
    order = np.argsort(confidence, kind="stable")
    n = len(order)
    parts = [[order[r] for r in range(n) if r * bins // n == m] for m in range(bins)]
    return np.array([[len(p), confidence[p].sum(), correct[p].sum()] for p in parts]).T


@pytest.mark.parametrize(("n", "bins"), [(200, 10), (300, 15), (64, 1)])
def test_error_equals_netcal_where_bins_divide_samples_and_nothing_is_tied(n, bins):
    confidence, correct = random_confidences(n)
    two = torch.stack([1 - confidence, confidence], 1).numpy()
    expected = ECE(bins=bins, equal_intervals=False).measure(two[:, 1], correct.long().numpy())
    assert adaptive_calibration_error(confidence, correct, bins).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [7, 100, 119])
@pytest.mark.parametrize("bins", [1, 4, 15])
def test_untied_samples_are_cut_into_bins_of_equal_size(n, bins):
    confidence, correct = random_confidences(n)
    expected = bins_in_this_order(confidence.numpy(), correct.numpy(), bins)
    state = bin_equal_mass(confidence, correct, bins)
    np.testing.assert_allclose(state, expected, rtol=1e-12, atol=1e-15)
    assert state[0].max() - state[0].min() <= 1
    count, total, right = expected[:, expected[0] > 0]
    gap = np.abs(total - right) / count
    for norm, value in {
        "l1": (count / n * gap).sum(),
        "l2": (count / n * gap**2).sum() ** 0.5,
        "max": gap.max(),
    }.items():
        assert adaptive_calibration_error(confidence, correct, bins, norm).item() == pytest.approx(value, abs=1e-12)


@pytest.mark.parametrize("correct", [[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 0], [1, 0, 1, 1, 0, 1]])
def test_a_state_is_the_mean_over_all_orders_of_tied_samples(correct):
    confidence, correct = torch.tensor([0.5, 1.0, 1.0, 0.5, 1.0, 0.5]), torch.tensor(correct).bool()
    orders = [list(order) for order in permutations(range(6))]
    each = [bins_in_this_order(confidence.numpy()[o], correct.numpy()[o], 4) for o in orders]
    np.testing.assert_allclose(bin_equal_mass(confidence, correct, 4), np.mean(each, axis=0), atol=1e-12)
    assert np.ptp(np.array(each)[:, 2], axis=0).max() > 0, "the orders do not differ: this shows nothing"


def test_a_saturated_network_has_the_gap_of_its_error_rate():
    correct = torch.arange(40) < 30
    assert adaptive_calibration_error(torch.ones(40), correct).item() == pytest.approx(0.25, abs=1e-12)


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.sampled_from([None, 1, 3, 10]), st.integers(1, 20), st.integers(0, 99))
def test_no_order_of_samples_changes_a_bit(n, levels, bins, seed):
    confidence, correct = random_confidences(n, levels, seed)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    value = adaptive_calibration_error(confidence, correct, bins)
    assert torch.equal(value, adaptive_calibration_error(confidence[order], correct[order], bins))
    assert abs(confidence.mean() - correct.double().mean()) - 1e-12 <= value <= 1


def test_no_sample_gives_nan():
    assert adaptive_calibration_error(torch.empty(0), torch.empty(0, dtype=torch.bool)).isnan()


def test_bins_below_one_are_refused():
    with pytest.raises(ValueError, match="bins must be >= 1, got 0"):
        adaptive_calibration_error(*random_confidences(5), bins=0)
