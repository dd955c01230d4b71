"""Contributions of images against leave-one-out by brute force and against DeLong as scikit-free formulas."""

import numpy as np
import pytest
import torch
from scipy import stats

from entreg.compare.stats.jackknife import of_auroc, of_calibration, of_mean
from entreg.metrics.binning import bin_confidences, bin_index
from entreg.metrics.calibration import debiased_squared_calibration_error


def brute_force(statistic, n):
    left_out = np.array([statistic(np.delete(np.arange(n), i)) for i in range(n)])
    return np.sqrt((n - 1) / n) * (left_out.mean() - left_out)


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    confidence = rng.beta(5, 1, 120)
    confidence[:10] = 1.0
    return confidence, rng.random(120) < confidence


@pytest.mark.parametrize("dtype", [bool, np.float32, np.float64])
def test_mean_is_the_jackknife_and_its_variance_the_textbook(dtype):
    values = np.random.default_rng(0).random(50).astype(dtype)
    value, images = of_mean(values)
    x = values.astype(np.float64)
    assert value == pytest.approx(x.mean(), rel=1e-12)
    np.testing.assert_allclose(images, brute_force(lambda kept: x[kept].mean(), 50), atol=1e-12)
    assert images @ images == pytest.approx(x.var(ddof=1) / 50, abs=1e-12)


def kumar(confidence, correct, bins):
    def of_bin(gap, right):
        n, accuracy = len(gap), right.mean()
        return n * (gap.mean() ** 2 - accuracy * (1 - accuracy) / (n - 1)) if n > 1 else 0.0

    present = np.unique(bins)
    return sum(of_bin((correct - confidence)[bins == m], correct[bins == m]) for m in present) / len(bins)


def test_calibration_leaves_every_image_out_exactly(predictions):
    confidence, correct = predictions
    bins = np.minimum((confidence * 15).astype(int), 14)
    assert np.bincount(bins).min() == 0  # an empty bin, and one that leaving out makes smaller than 2
    assert 1 in np.bincount(bins)
    value, images = of_calibration(confidence, correct, bins)
    assert value == pytest.approx(kumar(confidence, correct, bins), abs=1e-12)
    expected = brute_force(lambda kept: kumar(confidence[kept], correct[kept], bins[kept]), len(bins))
    np.testing.assert_allclose(images, expected, atol=1e-12)
    assert images.sum() == pytest.approx(0, abs=1e-12)


def test_calibration_is_the_metric_of_the_same_name(predictions):
    confidence, correct = (torch.as_tensor(row) for row in predictions)
    expected = debiased_squared_calibration_error(bin_confidences(confidence, correct, 15)).item()
    value, _ = of_calibration(confidence.numpy(), correct.numpy(), bin_index(confidence, 15).numpy())
    assert value == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("correct", [np.ones(5, bool), np.zeros(5, bool)])
def test_saturated_predictions(correct):
    value, images = of_calibration(np.ones(5), correct, np.full(5, 14))
    assert value == float(not correct[0])
    np.testing.assert_array_equal(images, 0)


@pytest.mark.parametrize("ties", [False, True])
def test_auroc_is_mann_whitney_and_its_variance_delongs(ties):
    rng = np.random.default_rng(0)
    positive, negative = rng.normal(1, 1, 40), rng.normal(0, 1, 25)
    if ties:
        positive, negative = positive.round(), negative.round()
    wins = (positive[:, None] > negative) + (positive[:, None] == negative) / 2
    value, images = of_auroc(positive, negative)
    assert value == pytest.approx(stats.mannwhitneyu(positive, negative).statistic / (40 * 25), abs=1e-12)
    delong = wins.mean(1).var(ddof=1) / 40 + wins.mean(0).var(ddof=1) / 25
    assert images @ images == pytest.approx(delong, abs=1e-12)


def test_auroc_at_its_ends():
    for scores, expected in (([2.0, 3.0], 1.0), ([0.0, -1.0], 0.0), ([1.0, 1.0], 0.5)):
        value, images = of_auroc(scores, [1.0, 1.0, 1.0])
        assert value == expected
        np.testing.assert_allclose(images, 0, atol=1e-12)
    assert of_auroc([np.inf, 1.0], [-np.inf, 1.0]).value == 0.875


def test_other_arguments_are_refused():
    with pytest.raises(ValueError, match="at least 2 images"):
        of_mean([1.0])
    with pytest.raises(ValueError, match="at least 2 images"):
        of_calibration([0.5, 0.5], [True], [0, 0])
    with pytest.raises(ValueError, match="at least 2 images"):
        of_auroc([1.0], [1.0, 2.0])
