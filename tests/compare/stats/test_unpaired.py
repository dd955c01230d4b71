"""Arms whose seeds are not all the same ones: Welch's test, that of partly shared seeds, and the same over images."""

import numpy as np
import pytest
from scipy import stats

from entreg.compare.stats import (
    Unpaired,
    compare_values,
    hierarchical_estimate,
    of_mean,
    paired_estimate,
    unpaired_estimate,
)
from tests.compare.studies import correct, within_binomial_error


@pytest.mark.parametrize("sizes", [(2, 2), (5, 5)])
def test_over_seeds_it_is_welchs_test_of_equal_numbers(sizes):
    rng = np.random.default_rng(sum(sizes))
    a, b = rng.normal(1, 0.2, sizes[0]), rng.normal(0.8, 0.5, sizes[1])
    found, expected = unpaired_estimate(a, b), stats.ttest_ind(a, b, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue)
    assert found.interval == pytest.approx(expected.confidence_interval(0.95))
    assert found.n == min(sizes)


@pytest.mark.parametrize("spread", [0.3, 3.0])
@pytest.mark.parametrize(("shared", "sizes"), [(0, (2, 10)), (2, (2, 3)), (2, (2, 5)), (1, (10, 3)), (0, (3, 5))])
def test_uneven_numbers_of_seeds_err_seldom(shared, sizes, spread):
    rng, studies = np.random.default_rng(1), 2000
    wrong = 0
    for _ in range(studies):
        a, b = rng.standard_normal(sizes[0]), spread * rng.standard_normal(sizes[1])
        found = unpaired_estimate(a, b, shared=shared)
        assert (found.p < 0.05) == (not found.interval.low <= 0 <= found.interval.high)
        wrong += found.p < 0.05
    assert wrong / studies <= 0.066  # Satterthwaite's degrees of freedom: up to 0.115


def test_images_that_both_find_hard_do_not_widen_the_interval():
    rng = np.random.default_rng(0)
    values = rng.normal(0.9, 0.01, (2, 4))
    shared = np.tile(rng.normal(0, 1e-3, 100), (4, 1))
    alike = unpaired_estimate(*values, shared, shared)
    assert alike.standard_error == pytest.approx(unpaired_estimate(*values).standard_error)
    apart = unpaired_estimate(*values, shared, -shared)
    assert apart.image_variance == pytest.approx(4 * (shared[0] @ shared[0]))


def test_with_all_seeds_shared_it_is_the_paired_estimate():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0.9, 0.01, (2, 5)) + rng.normal(0, 0.01, 5)
    images = rng.normal(0, 1e-3, (2, 1, 50)) + rng.normal(0, 1e-3, (1, 5, 50)) + rng.normal(0, 1e-3, (2, 5, 50))
    found = unpaired_estimate(a, b, *images, shared=5)
    expected = hierarchical_estimate(a, b, images[0] - images[1])
    assert expected.image_variance > 0
    assert found.interval == pytest.approx(expected.interval)
    assert (found.sd, found.p, found.image_variance) == pytest.approx(
        (expected.sd, expected.p, expected.image_variance)
    )


@pytest.mark.parametrize("correlation", [0.0, 0.9])
@pytest.mark.parametrize(("shared", "sizes"), [(3, (5, 3)), (4, (5, 5))])
def test_seeds_that_are_partly_shared_are_all_used_and_err_seldom(correlation, shared, sizes):
    rng, studies, wrong, narrower = np.random.default_rng(shared), 1000, 0, 0
    for _ in range(studies):
        a, b = rng.standard_normal(sizes[0]), rng.standard_normal(sizes[1])
        b[:shared] = correlation * a[:shared] + np.sqrt(1 - correlation**2) * b[:shared]
        found = unpaired_estimate(a, b, shared=shared)
        assert found.mean == pytest.approx(a.mean() - b.mean())
        wrong += found.p < 0.05
        pairs = paired_estimate(a[:shared], b[:shared]).interval
        narrower += found.interval.high - found.interval.low < pairs.high - pairs.low
    assert wrong / studies <= 0.05 or within_binomial_error(wrong / studies, 0.05, studies)
    assert narrower > studies / 2 or correlation == 0.9 or sizes == (5, 3)


def test_more_shared_seeds_than_there_are_is_an_error():
    with pytest.raises(ValueError, match="shared 3: expected a number of seeds that both have, at most 2"):
        unpaired_estimate([1.0, 2.0, 3.0], [1.0, 2.0], shared=3)


@pytest.mark.parametrize(("a", "b"), [([], [1.0]), ([1.0], [2.0, 3.0]), ([1.0, 1.0], [2.0, 2.0])])
def test_what_says_nothing_about_other_seeds_has_no_interval(a, b):
    assert unpaired_estimate(a, b).interval is None
    assert compare_values({"arm": Unpaired(a, b)}, higher_is_better=True)["arm"].outcome == "untestable"


@pytest.mark.parametrize("sizes", [(3, 3), (5, 3), (10, 4)])
def test_better_or_worse_is_seldom_said_at_no_difference(sizes):
    studies, rng, wrong, covered = 600, np.random.default_rng(sum(sizes)), 0, 0
    for _ in range(studies):
        values = correct(rng, sum(sizes), 300, (0.9, 0.9)).astype(np.float32)
        a, b = values[0, : sizes[0]], values[1, sizes[0] :]
        images = [np.array([of_mean(row).images for row in rows]) for rows in (a, b)]
        found = compare_values({"arm": Unpaired(a.mean(1), b.mean(1), *images)}, higher_is_better=True)["arm"]
        wrong += found.outcome in ("better", "worse")
        covered += found.interval is None or found.interval.low <= 0 <= found.interval.high
    assert wrong / studies <= 0.05 or within_binomial_error(wrong / studies, 0.05, studies)
    assert covered == studies - wrong


def test_what_is_detectable_counts_the_seeds_of_both():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0, 1, (2, 8))
    even = compare_values({"arm": Unpaired(a, b)}, higher_is_better=True)["arm"]
    uneven = compare_values({"arm": Unpaired(a, np.tile(b, 2))}, higher_is_better=True)["arm"]
    assert 0 < uneven.detectable < even.detectable
    assert (even.unpaired, uneven.unpaired) == ((8, 8), (8, 16))


def test_something_is_detectable_where_the_shared_seeds_are_much_alike():
    a, b = [95.0, 96.0, 94.0, 95.5, 94.5], [94.01, 95.0, 93.01]
    found = compare_values({"arm": Unpaired(a, b, shared=3)}, higher_is_better=True)["arm"]
    assert (found.paired.sd / found.paired.standard_error) ** 2 < 2
    assert found.detectable > 4.3 * found.paired.standard_error
