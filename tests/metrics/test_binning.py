"""Bins by hand, by exact fractions, and on the inputs that break binning."""

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entreg.metrics import bin_classes, bin_confidences, bin_moments, top_label
from tests.metrics.inputs import random_confidences, random_logits


@pytest.mark.parametrize("bins", [2, 4, 8, 16])
def test_bins_are_closed_on_the_left_and_the_last_on_both_sides(bins):
    edges = torch.arange(bins + 1) / bins  # exact in binary
    count, *_ = bin_confidences(edges, torch.ones(bins + 1, dtype=torch.bool), bins)
    assert count.tolist() == [1] * (bins - 1) + [2]


@pytest.mark.parametrize("bins", [3, 10, 15, 20, 100])
def test_float32_confidences_beside_an_edge_are_binned_exactly(bins):
    edges = (torch.arange(bins + 1, dtype=torch.float64) / bins).float()
    one, zero = torch.ones(bins + 1), torch.zeros(bins + 1)
    for confidence in (edges, edges.nextafter(one), edges.nextafter(zero)):
        expected = torch.zeros(bins)
        for value in confidence.tolist():
            expected[min(int(Fraction(value) * bins), bins - 1)] += 1
        count, *_ = bin_confidences(confidence, zero.bool(), bins)
        assert count.tolist() == expected.tolist()


@pytest.mark.parametrize("bins", [1, 7, 15])
def test_moments_are_sums_over_the_members_of_each_bin(bins):
    confidence, correct = random_confidences(200)
    f, o = confidence.numpy(), correct.numpy()
    index = np.minimum((f * bins).astype(int), bins - 1)
    expected = [[g[index == m].sum() for m in range(bins)] for g in (np.ones(200), f, o, f**2, f * o)]
    state = bin_moments(confidence, correct, bins)
    np.testing.assert_allclose(state, expected, rtol=1e-12)
    assert torch.equal(state[:3], bin_confidences(confidence, correct, bins))


def test_every_class_has_its_own_bins():
    probability = torch.tensor([[0.1, 0.9, 0.0], [0.6, 0.3, 0.1], [1.0, 0.0, 0.0]], dtype=torch.float64)
    count, total, of_class = bin_classes(probability, torch.tensor([1, 1, 0]), bins=2)
    assert count.tolist() == [[1, 2], [2, 1], [3, 0]]
    assert of_class.tolist() == [[0, 1], [1, 1], [0, 0]]
    np.testing.assert_allclose(total, [[0.1, 1.6], [0.3, 0.9], [0.1, 0.0]], rtol=1e-12)


def test_the_predicted_class_is_that_of_the_largest_logit_even_where_probabilities_round_to_equal():
    logits = torch.tensor([[0.0, 1e-9]])
    confidence, correct = top_label(logits, torch.tensor([1]))
    assert logits.softmax(1)[0].tolist() == [0.5, 0.5]
    assert (confidence.item(), correct.item()) == (0.5, True)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_confidences_are_those_of_float32(dtype):
    logits, target = random_logits(50, dtype=dtype)
    confidence, correct = top_label(logits, target)
    assert confidence.dtype == torch.float32
    assert torch.equal(confidence, logits.float().softmax(1).amax(1))
    assert torch.equal(correct, logits.argmax(1) == target)


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(0, 1, width=32), max_size=40), st.integers(1, 30))
def test_nothing_falls_outside_the_bins_and_each_mean_lies_within_its_bin(values, bins):
    confidence = torch.tensor(values, dtype=torch.float32)
    count, total, correct = bin_confidences(confidence, confidence > 0.5, bins)
    assert count.sum() == len(values)
    assert correct.sum() == sum(value > 0.5 for value in values)
    mean, left = total / count, torch.arange(bins, dtype=torch.float64) / bins
    filled = count > 0
    assert (mean[filled] >= left[filled] - 1e-12).all()
    assert (mean[filled] <= left[filled] + 1 / bins + 1e-12).all()


@pytest.mark.parametrize("bins", [3, 10, 15, 49, 100])
def test_float64_confidences_at_an_edge_are_in_the_bin_above_it(bins):
    edges = torch.arange(bins, dtype=torch.float64) / bins  # 1 / 49 * 49 < 1
    count, *_ = bin_confidences(edges, edges > 0, bins)
    assert count.tolist() == [1] * bins


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("bins", [1, 15])
def test_confidences_that_are_no_numbers_stay_visible(bins, dtype):
    count, total, _ = bin_confidences(torch.tensor([0.5, torch.nan], dtype=dtype), torch.tensor([True, True]), bins)
    assert count.sum() == 2
    assert total.isnan().sum() == 1


def test_rounding_above_one_stays_in_the_last_bin():
    count, *_ = bin_confidences(torch.tensor([1 + 2**-23]), torch.tensor([True]), 15)
    assert count.tolist() == [0] * 14 + [1]
