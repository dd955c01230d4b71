"""What one interval decides, and what it says of a study that found nothing."""

import dataclasses

import numpy as np
import pytest
from scipy import stats

from entreg.compare.stats import Interval, Pairs, compare_values, detectable, mcnemar, seeds_needed

NOISE = np.array([0.01, -0.02, 0.0, 0.02, -0.01])
BASELINE = np.array([95.0, 95.1, 94.9, 95.05, 94.95])


def judge(shift, noise=NOISE, higher_is_better=True, **kwargs):
    pairs = Pairs(BASELINE + shift + noise, BASELINE, kwargs.pop("contributions", None))
    return compare_values({"arm": pairs}, higher_is_better=higher_is_better, **kwargs)["arm"]


@pytest.mark.parametrize(
    ("shift", "higher", "expected"), [(1, 1, "better"), (-1, 1, "worse"), (1, 0, "worse"), (-1, 0, "better")]
)
def test_better_and_worse_follow_the_direction_of_the_metric(shift, higher, expected):
    comparison = judge(shift, higher_is_better=bool(higher))
    assert comparison.outcome == expected
    assert comparison.difference == pytest.approx(shift)


def test_equivalent_is_what_lies_within_the_margin():
    assert judge(0.001, margin=0.1).outcome == "equivalent"
    assert judge(0.001).outcome == "undecided"
    assert judge(0.085, margin=0.1).outcome == "better"  # and reaches beyond the margin
    shown = judge(0.05, margin=0.1)
    assert (shown.outcome, shown.within_margin) == ("better", True)


def test_the_wider_interval_decides():
    contributions = np.tile([0.05, -0.05], (5, 1))
    comparison = judge(0.05, contributions=contributions)
    assert comparison.paired.p < 0.05 < comparison.hierarchical.p == comparison.p
    assert comparison.interval == comparison.hierarchical.interval
    assert comparison.outcome == "undecided"
    alike = judge(0.05, contributions=np.full((5, 2), 1e-9))
    assert alike.interval == pytest.approx(alike.paired.interval)


@pytest.mark.parametrize("family", [1, 2, 24])
def test_interval_and_p_value_say_the_same(family):
    for shift in np.linspace(0, 0.1, 30):
        comparison = judge(shift, noise=2 * NOISE, family=family)
        assert (comparison.p <= 0.05) == (comparison.outcome == "better")


def test_what_would_have_been_found_and_the_seeds_for_the_margin():
    comparison = judge(0.02, noise=10 * NOISE, margin=0.1, family=3)
    observed = (10 * NOISE).std(ddof=1)
    sd = observed * np.sqrt(4 / stats.chi2.median(4))
    assert comparison.detectable == pytest.approx(detectable(5, sd, alpha=0.05 / 3))
    about, low, high = comparison.seeds_needed
    assert about == seeds_needed(0.1, sd, alpha=0.05 / 3)
    assert low == seeds_needed(0.1, 0.5991 * observed, alpha=0.05 / 3) < about < high  # sqrt(4 / chi2.isf(0.025, 4))
    assert judge(0.02, noise=10 * NOISE).seeds_needed is None


def test_more_seeds_do_not_replace_images():
    comparison = judge(0.05, margin=0.1, contributions=np.tile([0.05, -0.05], (5, 1)))
    assert comparison.seeds_needed == (None, None, None)


def test_one_seed():
    checkpoints = mcnemar([True, True], [True, False])
    pairs = Pairs([0.96], [0.95], np.zeros((1, 4)), checkpoints)
    comparison = compare_values({"arm": pairs}, higher_is_better=True, margin=0.1)["arm"]
    assert comparison.outcome == "untestable"
    assert comparison.checkpoints == checkpoints
    found = (comparison.n, comparison.interval, comparison.p, comparison.detectable, comparison.seeds_needed)
    assert found == (1, *4 * (None,))


@pytest.mark.parametrize("pairs", [Pairs([], []), Pairs([1.0, 2.0], [1.0, 2.0]), Pairs([1.1, 2.1], [1.0, 2.0])])
def test_what_cannot_be_tested(pairs):
    assert compare_values({"arm": pairs}, higher_is_better=True)["arm"].outcome == "untestable"


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        judge(0.0).margin = 1.0


def test_an_interval_has_two_ends():
    assert isinstance(judge(0.0).interval, Interval)
