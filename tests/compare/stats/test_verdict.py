"""Verdicts on several arms: the tests behind them, and how often they are wrong."""

import subprocess
import sys

import numpy as np
import pytest
from statsmodels.stats.multitest import multipletests

from entreg.compare.stats.hierarchical import hierarchical_estimate
from entreg.compare.stats.intervals import paired_estimate
from entreg.compare.stats.jackknife import of_mean
from entreg.compare.stats.verdict import Pairs, compare_values
from tests.compare.studies import correct, within_binomial_error


def test_each_comparison_is_made_at_the_level_of_its_family():
    rng = np.random.default_rng(0)
    pairs = {
        name: Pairs(rng.normal(shift, 0.1, 6), rng.normal(0, 0.1, 6), rng.normal(0, 0.02, (6, 50)))
        for name, shift in {"a": 0.1, "b": 0.2, "c": 0.0}.items()
    } | {"single": Pairs([1.0], [0.0], np.ones((1, 50)))}
    for family, found in (
        (3, compare_values(pairs, higher_is_better=True)),
        (7, compare_values(pairs, higher_is_better=True, family=7)),
    ):
        for name in "abc":
            arm = pairs[name]
            assert found[name].paired == paired_estimate(arm.values, arm.baseline, 1 - 0.05 / family)
            both = hierarchical_estimate(arm.values, arm.baseline, arm.contributions, 1 - 0.05 / family)
            assert found[name].hierarchical == both
            adjusted = multipletests([max(found[name].paired.p, both.p)] * family, method="bonferroni")[1][0]
            assert found[name].p == pytest.approx(adjusted)
        assert found["single"].p is None


def test_one_arm_alone_is_compared_with_nothing():
    assert compare_values({}, higher_is_better=True) == {}


def test_needs_neither_torch_nor_lightning():
    code = "import sys, entreg.compare.stats.verdict as v; assert not {'torch', 'lightning'} & set(sys.modules), v"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("alpha", "margin", "named"), [(5, None, "alpha"), (0.05, 0.0, "margin")])
def test_other_arguments_are_refused(alpha, margin, named):
    with pytest.raises(ValueError, match=named):
        compare_values({"arm": Pairs([1.0, 2.0], [1.0, 1.0])}, higher_is_better=True, margin=margin, alpha=alpha)


@pytest.mark.parametrize("n", [3, 10])
def test_better_or_worse_is_seldom_said_at_no_difference(n):
    studies, rng, wrong = 1000, np.random.default_rng(n), 0
    for _ in range(studies):
        values = correct(rng, n, 300, (0.9,) * 5).astype(np.float32)
        accuracy = values.mean(2)
        pairs = {
            str(arm): Pairs(accuracy[arm], accuracy[0], [of_mean(d).images for d in values[arm] - values[0]])
            for arm in range(1, 5)
        }
        outcomes = {comparison.outcome for comparison in compare_values(pairs, higher_is_better=True).values()}
        wrong += bool(outcomes & {"better", "worse"})
    assert wrong / studies <= 0.05 or within_binomial_error(wrong / studies, 0.05, studies)


@pytest.mark.parametrize("n", [3, 10])
def test_better_or_worse_is_seldom_said_without_predictions(n):
    studies, rng = 1000, np.random.default_rng(n)
    values = rng.normal(95, 0.1, (studies, 5, n))
    wrong = 0
    for study in values:
        pairs = {str(arm): Pairs(study[arm], study[0]) for arm in range(1, 5)}
        outcomes = {comparison.outcome for comparison in compare_values(pairs, higher_is_better=True).values()}
        wrong += bool(outcomes & {"better", "worse"})
    assert wrong / studies <= 0.05 or within_binomial_error(wrong / studies, 0.05, studies)


@pytest.mark.parametrize("n", [3, 10])
def test_equivalence_is_seldom_said_at_the_margin(n):
    studies, rng = 1000, np.random.default_rng(n)
    wrong = 0
    for values in rng.normal(0.1, 0.05, (studies, n)):
        pairs = {"arm": Pairs(values, np.zeros(n))}
        wrong += compare_values(pairs, higher_is_better=True, margin=0.1)["arm"].outcome == "equivalent"
    assert wrong / studies <= 0.05 or within_binomial_error(wrong / studies, 0.05, studies)
