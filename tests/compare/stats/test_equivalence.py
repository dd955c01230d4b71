"""Two one-sided tests against statsmodels."""

from itertools import product

import numpy as np
import pytest
from statsmodels.stats.weightstats import ttost_paired

from entreg.compare.stats.equivalence import tost
from entreg.compare.stats.hierarchical import hierarchical_estimate
from entreg.compare.stats.intervals import mean_estimate, paired_estimate


@pytest.mark.parametrize("n", [2, 3, 5, 10, 100])
def test_equals_statsmodels(n):
    a, b = np.random.default_rng(n).normal(95, 0.1, (2, n))
    for shift, margin in product((0.0, 0.05, -0.09, 0.3), (0.01, 0.1, 1.0)):
        expected = ttost_paired(a + shift, b, -margin, margin)[0]
        found = tost(paired_estimate(a + shift, b), margin)
        assert found == pytest.approx(expected, rel=1e-9, abs=1e-12), (shift, margin)


@pytest.mark.parametrize("images", [0.0, 0.03])
def test_rejects_where_the_90_percent_interval_is_inside(images):
    rng = np.random.default_rng(0)
    contributions = images * np.array([[1.0, -1.0]] * 5)
    for a in rng.normal(0.03, 0.1, (200, 5)):
        estimate = hierarchical_estimate(a, np.zeros(5), contributions, level=0.9)
        inside = estimate.interval.low > -0.15 and estimate.interval.high < 0.15
        assert (tost(estimate, 0.15) < 0.05) == inside


def test_without_standard_error_nothing_is_shown():
    assert tost(mean_estimate([]), 0.1) is None
    assert tost(mean_estimate([0.0]), 0.1) is None
    assert tost(mean_estimate([0.0, 0.0, 0.0]), 0.1) is None


@pytest.mark.parametrize("margin", [0, -1, float("nan")])
def test_a_margin_is_positive(margin):
    with pytest.raises(ValueError, match="margin"):
        tost(mean_estimate([0.0, 1.0]), margin)
