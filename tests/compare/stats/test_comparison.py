"""Verdicts in words: each of them, their directions, and what they say is missing."""

import dataclasses

import numpy as np
import pytest

from entreg.compare.stats.mcnemar import mcnemar
from entreg.compare.stats.power import seeds_needed
from entreg.compare.stats.verdict import Pairs, compare_arms

NOISE = np.array([0.01, -0.02, 0.0, 0.02, -0.01])
BASELINE = np.array([95.0, 95.1, 94.9, 95.05, 94.95])


def judge(shift, noise=NOISE, higher_is_better=True, **kwargs):
    pairs = Pairs(BASELINE + shift + noise, BASELINE, kwargs.pop("contributions", None))
    return compare_arms({"arm": pairs}, higher_is_better=higher_is_better, **kwargs)["arm"]


@pytest.mark.parametrize(
    ("shift", "higher", "expected"), [(1, 1, "better"), (-1, 1, "worse"), (1, 0, "worse"), (-1, 0, "better")]
)
def test_better_and_worse_follow_the_direction_of_the_metric(shift, higher, expected):
    comparison = judge(shift, higher_is_better=bool(higher))
    assert comparison.verdict == comparison.outcome == expected
    assert comparison.difference == pytest.approx(shift)


def test_equivalent():
    assert judge(0.001, margin=0.1).verdict == "equivalent within 0.1"
    assert judge(0.001, margin=0.1).outcome == "equivalent"


def test_a_difference_can_be_shown_and_not_matter():
    comparison = judge(0.05, margin=0.1)
    assert comparison.verdict == "better, by less than 0.1"
    assert comparison.outcome == "better"


def test_not_distinguishable_says_what_would_be_needed():
    comparison = judge(0.02, noise=10 * NOISE, margin=0.1)
    needed = seeds_needed(0.1, (10 * NOISE).std(ddof=1))
    assert comparison.seeds_needed == needed > 5
    assert comparison.verdict == f"not distinguishable: about {needed} seeds an arm would be needed to see 0.1"
    without = judge(0.02, noise=10 * NOISE)
    assert without.to_detect == pytest.approx(0.02)
    assert 485 < without.seeds_needed < 495
    assert (
        without.verdict
        == "not distinguishable: about 490 seeds an arm would be needed if the difference is the one observed"
    )


def test_not_distinguishable_with_seeds_enough_for_the_margin():
    comparison = judge(0.07, noise=5 * NOISE, margin=0.14)
    assert comparison.outcome == "undecided"
    assert comparison.verdict == "not distinguishable: 5 seeds an arm are enough to see 0.14 in 4 of 5 studies"


def test_not_distinguishable_because_of_the_images():
    contributions = np.tile([0.05, -0.05], (5, 1))
    comparison = judge(0.05, margin=0.1, contributions=contributions)
    assert comparison.paired.p < 0.05 < comparison.hierarchical.p == comparison.p
    assert comparison.seeds_needed is None
    assert (
        comparison.verdict
        == "not distinguishable: to see 0.1 more test images would be needed, no number of seeds is enough"
    )


def test_seeds_needed_are_for_a_claim_that_survives_holm():
    pairs = {name: Pairs(BASELINE + shift + 10 * NOISE, BASELINE) for name, shift in {"a": 0.02, "b": 0.01}.items()}
    found = compare_arms(pairs, higher_is_better=True, margin=0.1)
    sd = (10 * NOISE).std(ddof=1)
    assert found["a"].seeds_needed == found["b"].seeds_needed == seeds_needed(0.1, sd, alpha=0.05 / 2)
    assert seeds_needed(0.1, sd, alpha=0.05 / 2) > seeds_needed(0.1, sd)


def test_one_seed():
    checkpoints = mcnemar([True, True], [True, False])
    pairs = Pairs([0.96], [0.95], np.zeros((1, 4)), checkpoints)
    comparison = compare_arms({"arm": pairs}, higher_is_better=True, margin=0.1)["arm"]
    assert comparison.verdict == "one seed: per-checkpoint test only"
    assert comparison.checkpoints == checkpoints
    assert (comparison.n, comparison.interval, comparison.p, comparison.p_holm, comparison.seeds_needed) == (
        1,
        *4 * (None,),
    )


@pytest.mark.parametrize(
    ("pairs", "expected"),
    [
        (Pairs([], []), "no common seed: nothing to compare"),
        (Pairs([1.0, 2.0], [1.0, 2.0]), "identical on every seed"),
        (Pairs([1.1, 2.1], [1.0, 2.0]), "not testable: the same difference on every seed"),
    ],
)
def test_what_cannot_be_tested(pairs, expected):
    comparison = compare_arms({"arm": pairs}, higher_is_better=True)["arm"]
    assert comparison.verdict == expected
    assert comparison.outcome == "untestable"


def test_no_difference_on_average():
    pairs = Pairs([1.0, -1.0], [0.0, 0.0])
    assert (
        compare_arms({"a": pairs}, higher_is_better=True)["a"].verdict == "not distinguishable: no difference was seen"
    )


def test_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        judge(0.0).margin = 1.0
