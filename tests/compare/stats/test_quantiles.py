"""The weighted quantile: its limits, its inverse, and the coverage it promises."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from entreg.compare.stats.quantiles import critical_value, upper_tail

DEGREES = (1, 2, 9, 1000)


@pytest.mark.parametrize("df", DEGREES)
def test_limits_are_student_and_normal(df):
    for alpha in (0.5, 0.05, 1e-6):
        assert critical_value(alpha, df) == pytest.approx(stats.t.isf(alpha / 2, df), rel=1e-9)
        assert critical_value(alpha, df, 0) == pytest.approx(stats.norm.isf(alpha / 2), rel=1e-9)


@pytest.mark.parametrize("share", [0, 1e-9, 0.1, 0.5, 0.999, 1])
def test_tail_inverts_the_critical_value(share):
    for df, alpha in product(DEGREES, (1e-9, 1e-4, 0.05, 0.5, 0.999)):
        ratio = critical_value(alpha, df, share)
        assert upper_tail(ratio, df, share) == pytest.approx(alpha / 2, rel=1e-7), (df, alpha)
        assert upper_tail(-ratio, df, share) == pytest.approx(1 - alpha / 2, rel=1e-9), (df, alpha)


@pytest.mark.parametrize("share", [0, 1e-300, 0.5, 1])
def test_tail_at_the_ends(share):
    assert upper_tail(0, 3, share) == 0.5
    assert 0 <= upper_tail(1e6, 3, share) < 1e-8
    assert upper_tail(-1e6, 3, share) > 1 - 1e-8


@pytest.mark.parametrize(("n", "most"), [(3, 0.9715), (5, 0.9635), (10, 0.9575)])
def test_coverage_for_normal_values_and_a_known_part(n, most):
    s2 = stats.chi2.ppf((np.arange(500) + 0.5) / 500, n - 1) / (n - 1)
    for known in (0, 0.03, 0.1, 0.3, 1, 2, 4, 10, 100):
        bound = np.array([critical_value(0.05, n - 1, a / (a + known)) * np.sqrt(a + known) for a in s2])
        coverage = np.mean(2 * stats.norm.cdf(bound / np.sqrt(1 + known)) - 1)
        assert 0.9495 <= coverage <= most
