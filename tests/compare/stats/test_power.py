"""Power and seeds needed against statsmodels and by simulation of whole studies."""

from itertools import product

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from entreg.compare.stats.hierarchical import hierarchical_estimate
from entreg.compare.stats.intervals import paired_estimate
from entreg.compare.stats.power import detectable, power, seeds_needed


@pytest.mark.parametrize("n", [2, 3, 5, 10, 30])
def test_power_of_the_t_test_equals_statsmodels(n):
    for effect, alpha in product((0.0, 0.1, 0.5, 1.0), (0.05, 0.0125)):
        expected = TTestPower().power(effect, n, alpha)
        assert power(n, effect * 0.2, 0.2, alpha=alpha) == pytest.approx(expected, abs=2e-4), (effect, alpha)


@pytest.mark.parametrize("target", [0.5, 0.8, 0.95])
def test_seeds_needed_equals_statsmodels(target):
    for effect in (3.0, 1.0, 0.5, 0.2):
        exact = TTestPower().solve_power(effect, alpha=0.05, power=target)
        assert seeds_needed(-effect, 1.0, target=target) == max(2, int(np.ceil(exact))), effect


@pytest.mark.parametrize("images", [0.0, 0.01, 0.03])
def test_seeds_needed_is_the_smallest_number(images):
    for effect in (0.1, 1e-4, 1e-6):
        variance = images * effect**2
        n = seeds_needed(effect, 0.15, variance)
        assert power(n, effect, 0.15, variance) >= 0.8 > power(n - 1, effect, 0.15, variance), effect


def test_few_images_make_no_number_of_seeds_enough():
    assert seeds_needed(0.1, 0.01, image_variance=0.04**2) is None
    assert power(10**9, 0.1, 0.01, image_variance=0.04**2) < 0.8


def test_power_grows_with_seeds_and_shrinks_with_image_variance():
    by_seeds = [power(n, 0.1, 0.1, 0.03**2) for n in range(1, 40)]
    assert by_seeds[0] == 0
    assert (np.diff(by_seeds) > 0).all()
    by_images = [power(10, 0.1, 0.1, c**2) for c in (0, 0.01, 0.03, 0.1)]
    assert (np.diff(by_images) < 0).all()


def share_rejected(n, difference, sd, image_variance, studies=2000):
    rng = np.random.default_rng(n)
    contributions = np.sqrt(image_variance / 2) * np.array([[1.0, -1.0]] * n)
    offsets = np.sqrt(image_variance) * rng.standard_normal((studies, 1))  # the images of the study
    values = difference + offsets + sd * rng.standard_normal((studies, n))
    zeros = np.zeros(n)
    by_seeds = stats.ttest_1samp(values, 0, axis=1).pvalue
    return np.mean(
        [
            p < 0.05 and hierarchical_estimate(v, zeros, contributions).p < 0.05
            for v, p in zip(values, by_seeds, strict=True)
        ]
    )


@pytest.mark.parametrize(("difference", "images"), [(0.1, 0.0), (0.06, 0.0), (0.1, 0.02), (0.1, 0.03)])
def test_seeds_needed_is_right_within_20_percent(difference, images):
    n = seeds_needed(difference, 0.1, images**2)
    assert share_rejected(n, difference, 0.1, images**2) == pytest.approx(0.8, abs=0.04 + 1 / n)
    assert share_rejected(int(np.floor(0.8 * n)), difference, 0.1, images**2) < 0.8
    assert share_rejected(int(np.ceil(1.2 * n)), difference, 0.1, images**2) > 0.8


def test_seeds_needed_from_an_observed_variance_is_right_within_20_percent():
    rng = np.random.default_rng(0)
    estimates = [seeds_needed(0.1, paired_estimate(*pilot).sd) for pilot in 0.1 * rng.standard_normal((400, 2, 20))]
    right = seeds_needed(0.1, 0.1 * np.sqrt(2))
    assert abs(np.mean(estimates) / right - 1) < 0.2
    assert abs(np.median(estimates) / right - 1) < 0.2


@pytest.mark.parametrize(
    "arguments",
    [{"sd": 0.0}, {"sd": float("nan")}, {"difference": 0}, {"image_variance": -1}, {"alpha": 1.0}, {"target": 1.0}],
)
def test_other_arguments_are_refused(arguments):
    with pytest.raises(ValueError, match="expected"):
        seeds_needed(**({"difference": 0.1, "sd": 0.1} | arguments))


def test_the_bound_takes_students_quantile_for_the_seeds_alone() -> None:
    # With images alone to vary, seeds agreeing, any number of seeds has the power of a z-test.
    z_test = stats.norm.cdf(3 - stats.norm.isf(0.025)) + stats.norm.cdf(-3 - stats.norm.isf(0.025))
    assert power(3, difference=3.0, sd=1e-6, image_variance=1.0) == pytest.approx(z_test, abs=1e-4)


@pytest.mark.parametrize("images", [0.0, 0.05])
@pytest.mark.parametrize("n", [2, 5, 20])
def test_what_is_detectable_is_found_in_four_of_five_studies(n, images):
    size = detectable(n, 0.1, images**2, alpha=0.01)
    assert power(n, size, 0.1, images**2, alpha=0.01) == pytest.approx(0.8, abs=1e-4)
    with pytest.raises(ValueError, match="at least 2"):
        detectable(1, 0.1)
