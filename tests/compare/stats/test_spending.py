"""Spending of the level: the published values, and how often three looks find what is not there."""

import numpy as np
import pytest

from entreg.compare.stats import Pairs, compare_values
from entreg.compare.stats.spending import obrien_fleming
from tests.compare.studies import within_binomial_error


def test_published_values():
    found = [obrien_fleming(0.05, t) for t in (0.2, 0.4, 0.6, 0.8, 1.0)]
    assert found == pytest.approx([1e-05, 0.0019, 0.0114, 0.0284, 0.05], abs=6e-5)  # two-sided, five looks
    assert obrien_fleming(0.05, 2.0) == pytest.approx(0.05)


@pytest.mark.parametrize(("alpha", "fraction"), [(0.0, 0.5), (1.0, 0.5), (0.05, 0.0)])
def test_other_arguments_are_refused(alpha, fraction):
    with pytest.raises(ValueError, match="expected"):
        obrien_fleming(alpha, fraction)


def test_three_looks_seldom_find_what_is_not_there():
    studies, rng, planned, wrong, careless = 1000, np.random.default_rng(0), 9, 0, 0
    for values in rng.normal(0, 1, (studies, 2, planned)):
        spent, found, found_carelessly = 0.0, False, False
        for n in (3, 6, 9):
            level = obrien_fleming(0.05, n / planned) - spent
            spent += level
            pairs = {"arm": Pairs(values[0, :n], values[1, :n])}
            found |= compare_values(pairs, higher_is_better=True, alpha=level)["arm"].outcome != "undecided"
            found_carelessly |= compare_values(pairs, higher_is_better=True)["arm"].outcome != "undecided"
        wrong += found
        careless += found_carelessly
    assert wrong / studies <= 0.05 or within_binomial_error(wrong / studies, 0.05, studies)
    assert careless / studies > 0.08  # what the rule is for
