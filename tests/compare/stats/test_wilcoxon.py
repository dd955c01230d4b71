"""The signed-rank test against scipy and against all signs by hand."""

import itertools

import numpy as np
import pytest
from scipy import stats

from entreg.compare.stats.wilcoxon import wilcoxon


@pytest.mark.parametrize("n", [6, 8, 12, 30])
def test_equals_scipy_exact(n):
    a, b = np.random.default_rng(n).normal(0, 1, (2, n))
    assert wilcoxon(a, b) == pytest.approx(stats.wilcoxon(a, b, method="exact").pvalue, abs=1e-9)


def test_ties_count_all_signs():
    difference = np.array([1, 1, 2, 2, 3, -1, 3])
    ranks = stats.rankdata(np.abs(difference))
    seen = ranks[difference > 0].sum() - ranks.sum() / 2
    sums = [ranks[np.array(signs)].sum() - ranks.sum() / 2 for signs in itertools.product([True, False], repeat=7)]
    expected = np.mean(np.abs(sums) >= abs(seen) - 1e-9)
    assert wilcoxon(difference, np.zeros(7)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(("n", "alpha", "can"), [(5, 0.05, False), (6, 0.05, True), (7, 0.01, False), (8, 0.01, True)])
def test_is_silent_where_it_could_not_reject(n, alpha, can):
    assert (wilcoxon(np.arange(1, n + 1), np.zeros(n), alpha) is not None) == can


def test_rounding_breaks_no_ties():
    baseline = np.array([0.94, 0.95, 0.93, 0.92, 0.91, 0.96])
    assert wilcoxon(baseline + 0.01, baseline) == wilcoxon(np.ones(6), np.zeros(6)) == 0.03125
    assert wilcoxon(baseline * 3 / 3, baseline) is None


def test_pairs_without_difference_do_not_count():
    assert wilcoxon([1, 2, 3, 4, 5, 0, 0], [0] * 7) is None
    assert wilcoxon([], []) is None
    assert wilcoxon(np.zeros(9), np.zeros(9)) is None
