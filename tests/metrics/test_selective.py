"""Selective prediction by enumeration."""

from itertools import permutations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entreg.metrics import aurc, coverage_at_risk
from tests.metrics.inputs import random_confidences


def area_in_this_order(confidence, correct):
    error = ~correct[np.argsort(-confidence, kind="stable")]
    return np.mean([error[:k].mean() for k in range(1, len(error) + 1)])


def coverage_by_thresholds(confidence, correct, risk):
    accepted = [confidence >= threshold for threshold in confidence]
    return max([a.mean() for a in accepted if (~correct[a]).sum() / a.sum() <= risk], default=0)


@pytest.mark.parametrize("seed", range(2))
def test_area_of_untied_samples_equals_a_loop(seed):
    confidence, correct = random_confidences(150, seed=seed)
    expected = area_in_this_order(confidence.numpy(), correct.numpy())
    assert aurc(confidence, correct).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("correct", [[1, 1, 0, 1, 0, 0], [0, 1, 1, 1, 1, 0], [1, 0, 1, 1, 0, 1]])
def test_area_is_the_mean_over_all_orders_of_tied_samples(correct):
    confidence, correct = torch.tensor([0.5, 1.0, 1.0, 0.5, 1.0, 0.5]), torch.tensor(correct).bool()
    c, o = confidence.numpy(), correct.numpy()
    each = [area_in_this_order(c[list(order)], o[list(order)]) for order in permutations(range(6))]
    assert aurc(confidence, correct).item() == pytest.approx(np.mean(each), abs=1e-12)
    assert np.ptp(each) > 0, "the orders do not differ: this shows nothing"


def test_area_of_equal_confidences_is_the_error_rate():
    assert aurc(torch.ones(8), torch.arange(8) < 6).item() == pytest.approx(0.25, abs=1e-12)


@pytest.mark.parametrize(("right_first", "expected"), [(True, 1 / 16), (False, (1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)])
def test_area_of_the_best_and_the_worst_order(right_first, expected):
    correct = torch.tensor([True, True, True, False] if right_first else [False, True, True, True])
    assert aurc(torch.tensor([4.0, 3.0, 2.0, 1.0]), correct).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("levels", [None, 5, 20])
@pytest.mark.parametrize("risk", [0.0, 0.05, 0.25, 1.0])
def test_coverage_equals_a_loop_over_thresholds(risk, levels):
    confidence, correct = random_confidences(100, levels)
    expected = coverage_by_thresholds(confidence.numpy(), correct.numpy(), risk)
    assert coverage_at_risk(confidence, correct, risk).item() == pytest.approx(expected, abs=1e-12)


def test_a_risk_met_exactly_is_kept():
    correct = torch.arange(100) >= 5
    assert coverage_at_risk(torch.ones(100), correct, 0.05) == 1
    assert coverage_at_risk(torch.ones(100), correct, 0.0499) == 0


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 80), st.sampled_from([None, 1, 3, 10]), st.floats(0, 1), st.integers(0, 99))
def test_order_and_monotone_maps_change_nothing(n, levels, risk, seed):
    confidence, correct = random_confidences(n, levels, seed)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    area, coverage = aurc(confidence, correct), coverage_at_risk(confidence, correct, risk)
    for other in (confidence[order], 2 * confidence[order] - 7):
        assert torch.equal(area, aurc(other, correct[order]))
        assert torch.equal(coverage, coverage_at_risk(other, correct[order], risk))
    assert 0 <= area <= 1
    assert 0 <= coverage <= 1
    assert coverage <= coverage_at_risk(confidence, correct, min(risk + 0.1, 1))


def test_no_sample_gives_nan():
    nothing = torch.empty(0), torch.empty(0, dtype=torch.bool)
    assert aurc(*nothing).isnan()
    assert coverage_at_risk(*nothing, 0.1).isnan()


@pytest.mark.parametrize("risk", [-0.1, 1.1, float("nan")])
def test_a_risk_that_is_no_share_is_refused(risk):
    with pytest.raises(ValueError, match="risk must be a share of errors"):
        coverage_at_risk(*random_confidences(5), risk)
