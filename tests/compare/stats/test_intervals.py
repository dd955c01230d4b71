"""Means and intervals against scipy, on few and degenerate values, and by simulation."""

import warnings

import numpy as np
import pytest
from scipy import stats

from entreg.compare.stats.intervals import deviation_median, mean_estimate, paired_estimate, standard_deviation
from tests.compare.studies import within_binomial_error

RNG = np.random.default_rng(0)
ROWS = [RNG.normal(95, 0.1, n) for n in (2, 3, 5, 10, 200)] + [np.array([0.0, 1.0]), np.array([1e8, 1e8 + 100, 0.0])]


@pytest.mark.parametrize("values", ROWS, ids=len)
def test_mean_equals_scipy(values):
    result = stats.ttest_1samp(values, 0)
    for level in (0.8, 0.95, 0.999):
        estimate = mean_estimate(values, level)
        assert estimate.n == len(values)
        assert estimate.mean == pytest.approx(values.mean(), rel=1e-12)
        assert estimate.sd == pytest.approx(values.std(ddof=1), rel=1e-12)
        assert estimate.interval == pytest.approx(result.confidence_interval(level), rel=1e-9)
        assert estimate.p == pytest.approx(result.pvalue, rel=1e-9)


@pytest.mark.parametrize("n", [2, 5, 200])
def test_paired_difference_equals_scipy(n):
    rng = np.random.default_rng(n)
    a, b = rng.normal(0.95, 0.001, n), rng.normal(0.951, 0.001, n)
    result = stats.ttest_rel(a, b)
    estimate = paired_estimate(a, b)
    assert estimate.interval == pytest.approx(result.confidence_interval(), rel=1e-9)
    assert paired_estimate(a, b, 0.8).interval == pytest.approx(result.confidence_interval(0.8), rel=1e-9)
    assert estimate.p == pytest.approx(result.pvalue, rel=1e-9)
    assert estimate.standard_error == pytest.approx(stats.sem(a - b), rel=1e-9)
    assert estimate.share == 1


def test_no_value_and_one_value_have_no_interval():
    none, one = mean_estimate([]), mean_estimate([0.95])
    assert (none.n, none.mean, none.sd, none.interval, none.p) == (0, None, None, None, None)
    assert (one.n, one.mean, one.sd, one.interval, one.p) == (1, 0.95, None, None, None)
    assert paired_estimate([], []).mean is None


@pytest.mark.parametrize("difference", [0.0, 0.01])
def test_differences_that_do_not_vary_are_no_certainty(difference):
    baseline = np.array([0.94, 0.95, 0.93])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = paired_estimate(baseline + difference, baseline)  # equal only up to rounding
    assert estimate.mean == pytest.approx(difference)
    assert (estimate.sd, estimate.standard_error, estimate.interval, estimate.p) == (0, None, None, None)


def test_rounding_of_float32_is_no_variation_but_one_image_in_100_000_is():
    baseline = np.array([0.94, 0.49, 0.11, 0.06], dtype=np.float32)
    shifted = baseline + np.float32(0.0123)
    assert np.ptp(shifted.astype(float) - baseline.astype(float)) > 0  # by rounding alone
    assert paired_estimate(shifted.astype(float), baseline.astype(float)).p is None
    assert paired_estimate([0.95001, 0.95, 0.95], [0.94, 0.94, 0.94]).p is not None
    assert standard_deviation(np.full(3, 1e-9)) == 0


@pytest.mark.parametrize("bad", [[np.nan, 1.0], [np.inf, 1.0]])
def test_a_value_that_is_not_finite_is_refused(bad):
    with pytest.raises(ValueError, match="expected finite numbers"):
        mean_estimate(bad)


def test_other_shapes_are_refused():
    with pytest.raises(ValueError, match=r"shape \(2, 2\)"):
        mean_estimate(np.ones((2, 2)))
    with pytest.raises(ValueError, match="3 values and 2 of the baseline"):
        paired_estimate([1, 2, 3], [1, 2])


@pytest.mark.parametrize("n", [3, 5, 10])
def test_interval_covers_the_expectation_over_seeds(n):
    studies, rng = 1000, np.random.default_rng(n)
    common = rng.normal(0, 0.3, (studies, n))  # what arm and baseline share through the seed
    baseline, arm = 95 + common + rng.normal(0, 0.1, (studies, n)), 95.2 + common + rng.normal(0, 0.15, (studies, n))
    intervals = [paired_estimate(a, b).interval for a, b in zip(arm, baseline, strict=True)]
    covered = np.mean([low <= 0.2 <= high for low, high in intervals])
    assert within_binomial_error(covered, 0.95, studies)


@pytest.mark.parametrize("n", [2, 3, 10])
def test_the_median_unbiased_deviation_is_as_often_too_small_as_too_large(n):
    observed = np.random.default_rng(n).normal(0, 0.1, (20_000, n)).std(axis=1, ddof=1)
    assert np.mean([deviation_median(sd, n) < 0.1 for sd in observed]) == pytest.approx(0.5, abs=0.01)
