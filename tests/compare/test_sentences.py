"""Sentences that say direction, size, interval and unit, then what would help."""

from __future__ import annotations

import numpy as np
import pytest

from entreg.compare.measures import Measure, measure_of
from entreg.compare.sentences import seeds_text, sentence
from entreg.compare.stats import Pairs, SeedsNeeded, compare_values, mcnemar

NOISE = np.array([0.01, -0.02, 0.0, 0.02, -0.01])
BASELINE = np.array([95.0, 95.1, 94.9, 95.05, 94.95])


def said(shift: float, key: str = "acc", noise: float = 1.0, **options: object) -> str:
    measure: Measure = measure_of(key)
    contributions = options.pop("contributions", None)
    pairs = {"arm": Pairs(BASELINE + shift + noise * NOISE, BASELINE, contributions)}
    found = compare_values(pairs, higher_is_better=measure.higher_is_better, **options)  # type: ignore[arg-type]
    return sentence("min_ent", "cross_entropy", measure, found["arm"])


def test_a_difference_has_direction_size_unit_and_interval() -> None:
    assert said(0.7) == "min_ent is better than cross_entropy: accuracy 0.70 points higher (95 %: +0.68 to +0.72)"
    assert said(0.12, "nll", family=6) == (
        "min_ent is worse than cross_entropy: NLL 0.1200 higher (95 %, adjusted for 6 comparisons: +0.0857 to +0.1543)"
    )
    assert said(-0.05, margin=0.1) == (
        "min_ent is worse than cross_entropy: accuracy 0.05 points lower (95 %: -0.07 to -0.03), "
        "though within 0.1 points"
    )


def test_equivalence_names_its_margin() -> None:
    assert said(0.002, margin=0.1) == (
        "min_ent is equivalent to cross_entropy within 0.1 points: accuracy 0.00 points higher (95 %: -0.02 to +0.02)"
    )


def test_nothing_found_says_what_would_have_been_and_what_would_help() -> None:
    assert said(0.05, noise=10, margin=0.1) == (
        "min_ent against cross_entropy: no difference found, accuracy 0.05 points higher (95 %: -0.15 to +0.25); "
        "its minimum detectable effect is 0.29 points (80 % power); "
        "to detect 0.1 points takes about 26 seeds an arm (10 to 160)"
    )
    assert said(0.005, "nll").endswith("; its minimum detectable effect is 0.029 (80 % power)")
    few_images = said(0.05, margin=0.1, contributions=np.tile([0.05, -0.05], (5, 1)))
    assert few_images.endswith("; to detect 0.1 points takes more test samples, no number of seeds is enough")


@pytest.mark.parametrize(
    ("needed", "text"),
    [
        (SeedsNeeded(19, 6, 60), "19 (6 to 60)"),
        (SeedsNeeded(134, 21, 4000), "130 (21 or more)"),
        (SeedsNeeded(40, 8, None), "40 (8 or more)"),
        (SeedsNeeded(None, None, None), "more test samples"),
    ],
)
def test_seeds_have_a_range_and_two_digits_that_count(needed: SeedsNeeded, text: str) -> None:
    assert seeds_text(needed) == text


@pytest.mark.parametrize(
    ("pairs", "words"),
    [
        (Pairs([], []), "accuracy: no seed to compare"),
        (Pairs([1.0, 2.0], [1.0, 2.0]), "accuracy: identical on every seed"),
        (
            Pairs([1.5, 2.5], [1.0, 2.0]),
            "the same difference on every seed (accuracy 0.50 points higher) says nothing",
        ),
        (
            Pairs([96.0], [95.0], checkpoints=mcnemar([True, True], [True, False])),
            "one seed says nothing about other seeds (accuracy 1.00 points higher); the checkpoint of arm",
        ),
    ],
)
def test_what_cannot_be_tested_says_why(pairs: Pairs, words: str) -> None:
    found = compare_values({"arm": pairs}, higher_is_better=True)["arm"]
    assert words in sentence("arm", "baseline", measure_of("acc"), found)
