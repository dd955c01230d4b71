"""Decomposition of the Brier score against scikit-learn and the textbook sums."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from entreg.metrics import TopLabelBrier, bin_moments, brier_decomposition
from tests.metrics.inputs import random_confidences, random_logits, state_of


def total(parts):
    return (
        parts["reliability"]
        - parts["resolution"]
        + parts["uncertainty"]
        + parts["within_bin_variance"]
        - parts["within_bin_covariance"]
    )


@pytest.mark.parametrize("scale", [3.0, 1e4])
@pytest.mark.parametrize("n", [1, 1000])
@pytest.mark.parametrize("bins", [1, 15])
def test_score_equals_scikit_learn_and_the_sum_of_the_parts(n, scale, bins):
    logits, target = random_logits(n, scale=scale)
    p = logits.softmax(1).numpy()
    expected = brier_score_loss(p.argmax(1) == target.numpy(), p.max(1), labels=[False, True])
    parts = state_of(TopLabelBrier(bins), logits, target).compute()
    assert parts["score"].item() == pytest.approx(expected, abs=1e-12)
    assert total(parts).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bins", [1, 4, 15])
def test_each_part_equals_its_definition(bins):
    confidence, correct = random_confidences(300)
    f, o = confidence.numpy(), correct.numpy().astype(float)
    index = np.minimum((f * bins).astype(int), bins - 1)
    mean_f = np.array([f[index == m].mean() for m in index])
    mean_o = np.array([o[index == m].mean() for m in index])
    parts = brier_decomposition(bin_moments(confidence, correct, bins))._asdict()
    for name, expected in {
        "reliability": ((mean_f - mean_o) ** 2).mean(),
        "resolution": ((mean_o - o.mean()) ** 2).mean(),
        "uncertainty": o.var(),
        "within_bin_variance": ((f - mean_f) ** 2).mean(),
        "within_bin_covariance": 2 * ((f - mean_f) * (o - mean_o)).mean(),
    }.items():
        assert parts[name].item() == pytest.approx(expected, abs=1e-12), name


def test_murphy_s_three_parts_suffice_where_confidence_is_constant_within_bins():
    confidence, correct = random_confidences(400, levels=8)
    parts = brier_decomposition(bin_moments(confidence - 1 / 16, correct, 8))
    assert parts.within_bin_variance.item() == pytest.approx(0, abs=1e-12)
    murphy = parts.reliability - parts.resolution + parts.uncertainty
    assert murphy.item() == pytest.approx(parts.score.item(), abs=1e-12)
    assert parts.resolution > 0.01


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 99), max_size=5, unique=True), st.integers(1, 20), st.integers(0, 99))
def test_batches_change_only_the_rounding_and_the_parts_always_sum(cuts, bins, seed):
    logits, target = random_logits(100, seed=seed, dtype=torch.float32)
    whole = state_of(TopLabelBrier(bins), logits, target).compute()
    batched = state_of(TopLabelBrier(bins), logits, target, cuts).compute()
    for name, value in whole.items():
        torch.testing.assert_close(batched[name], value, rtol=0, atol=1e-13)
        assert value >= 0 or name == "within_bin_covariance"
    assert total(whole).item() == pytest.approx(whole["score"].item(), abs=1e-13)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_sample_gives_nan_and_nan_stays_visible():
    assert all(part.isnan() for part in TopLabelBrier().compute().values())
    spoilt = state_of(TopLabelBrier(), torch.tensor([[0.0, torch.nan]]), torch.tensor([0])).compute()
    assert spoilt["score"].isnan()
    assert spoilt["reliability"].isnan()


def test_bins_below_one_are_refused():
    with pytest.raises(ValueError, match="bins must be >= 1, got 0"):
        TopLabelBrier(bins=0)
