"""Intervals of what has bounds: Wilson's, within them, and covering the truth near them."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from entreg.compare.stats import Estimate, hierarchical_estimate, mean_estimate, of_auroc, of_mean
from entreg.compare.stats.bounded import within_bounds
from tests.compare.studies import correct


def test_it_is_wilsons_interval_of_as_many_samples_as_the_estimate_is_worth():
    share, worth = 0.98, 500
    estimate = Estimate(4, share, 0.1, np.sqrt(share * (1 - share) / worth), share=0.0)
    expected = proportion_confint(490, worth, method="wilson")
    assert within_bounds(estimate, 10_000).interval == pytest.approx(expected)
    percent = Estimate(4, 98.0, 10.0, 100 * estimate.standard_error, share=0.0)
    assert within_bounds(percent, 10_000, 100.0).interval == pytest.approx(100 * np.array(expected))


@pytest.mark.parametrize(("value", "right"), [(1.0, 300), (0.0, 0)])
def test_where_all_is_right_or_nothing_the_images_are_the_samples(value, right):
    found = within_bounds(mean_estimate([value] * 3), 300).interval
    assert found == pytest.approx(proportion_confint(right, 300, method="wilson"), abs=1e-12)


@pytest.mark.parametrize("values", [[], [1.0], [0.5, 0.5]])
def test_what_says_nothing_about_other_seeds_has_no_interval(values):
    assert within_bounds(mean_estimate(values), 100).interval is None


def coverage(rng, true, draw, samples, studies=300):
    """Share of studies whose interval holds the truth; all of them lie within the bounds."""
    held = []
    for _ in range(studies):
        runs = draw(rng)
        values, images = [run.value for run in runs], np.array([run.images for run in runs])
        found = within_bounds(hierarchical_estimate(values, np.zeros(len(values)), images), samples).interval
        if found is not None:  # seeds that score the same by chance
            assert 0 <= found.low <= np.mean(values) <= found.high <= 1
            held.append(found.low <= true <= found.high)
    return np.mean(held)


@pytest.mark.parametrize(("accuracy", "seeds"), [(0.99, 3), (0.998, 3), (0.998, 5)])
def test_accuracies_near_1_are_covered(accuracy, seeds):
    def draw(rng):
        return [of_mean(row) for row in correct(rng, seeds, 500, (accuracy,))[0]]

    assert coverage(np.random.default_rng(seeds), accuracy, draw, 500) >= 0.93


@pytest.mark.parametrize("area", [0.9, 0.99, 0.999])
def test_areas_under_the_roc_curve_near_1_are_covered(area):
    apart = np.sqrt(2) * stats.norm.ppf(area)

    def draw(rng):
        inside, outside = 0.8 * rng.standard_normal(200) + apart, 0.8 * rng.standard_normal(100)
        noise = 0.6 * rng.standard_normal((3, 300))
        return [of_auroc(inside + of_seed[:200], outside + of_seed[200:]) for of_seed in noise]

    assert coverage(np.random.default_rng(0), area, draw, 100) >= 0.93
