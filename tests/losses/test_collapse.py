from __future__ import annotations

import math

import pytest
import torch

from entreg.losses import CrossEntropyLoss, EntropyRegularizedLoss, MinEntLoss, MixEntLoss, Term, collapses

START = {"weight/ce": 1.0, "base/ce": 2.0, "weight/entropy": 0.5, "base/entropy": 10.0}


def observed(loss: EntropyRegularizedLoss) -> dict[str, float]:
    return {name: value.item() for name, value in loss.coefficients.observed().items()}


def test_nothing_has_collapsed_at_the_start() -> None:
    assert collapses(START, START) == {}


@pytest.mark.parametrize("loss", [CrossEntropyLoss(), MinEntLoss(), MixEntLoss()], ids=lambda loss: type(loss).__name__)
def test_what_a_loss_observes_can_be_asked(loss: EntropyRegularizedLoss) -> None:
    assert collapses(observed(loss), observed(loss)) == {}


def test_all_coefficients_below_a_share_of_their_start_are_shrinking() -> None:
    now = {**START, "weight/ce": 0.049, "weight/entropy": 0.024}
    assert collapses(START, now) == {
        "shrinking": "all its coefficients fell below 5% of their start (ce 0.0707, entropy 0.0104)"
    }


def test_one_coefficient_below_a_share_of_its_start_is_not() -> None:
    assert collapses(START, {**START, "weight/entropy": 1e-9}) == {}
    assert collapses(START, {**START, "weight/ce": 0.051, "weight/entropy": 1e-9}) == {}


def test_growing_bases_shrink_coefficients_as_well() -> None:
    now = {**START, "base/ce": 2.0**21, "base/entropy": 10.0**21}
    assert list(collapses(START, now)) == ["shrinking"]
    now = {**START, "base/ce": 2.0**19, "base/entropy": 10.0**19}
    assert collapses(START, now) == {}


def test_a_shrunk_weight_that_its_base_makes_up_for_is_no_collapse() -> None:
    now = {**START, "weight/ce": 0.01, "base/ce": 2.0**0.01, "weight/entropy": 0.005, "base/entropy": 10.0**0.01}
    assert collapses(START, now) == {}


@pytest.mark.parametrize(("share", "found"), [(0.05, []), (0.5, ["shrinking"])])
def test_what_counts_as_nothing_can_be_chosen(share: float, found: list[str]) -> None:
    now = {**START, "weight/ce": 0.4, "weight/entropy": 0.2}
    assert list(collapses(START, now, share)) == found


def test_a_weight_below_zero_is_negative() -> None:
    assert collapses(START, {**START, "weight/ce": -0.25}) == {
        "negative": "the weight of ce is -0.25: the loss has no lower bound below zero"
    }
    assert collapses(START, {**START, "weight/ce": 0.25, "weight/entropy": 0.0}) == {}


def test_all_but_a_share_on_the_entropy_is_entropy() -> None:
    now = {**START, "weight/ce": 0.05 * math.log(2), "weight/entropy": math.log(10)}
    assert collapses(START, now) == {
        "entropy": "all its weight is on the entropy (ce 0.05, entropy 1), which any sure prediction minimises"
    }
    assert collapses(START, {**now, "weight/ce": 0.06 * math.log(2)}) == {}


def test_all_of_it_on_cross_entropy_or_on_the_tied_terms_is_no_collapse() -> None:
    assert collapses(START, {**START, "weight/entropy": 0.0}) == {}
    tied = {name.replace("entropy", "rce"): value for name, value in START.items()}
    assert collapses(tied, {**tied, "weight/ce": 0.0}) == {}


def test_a_loss_that_is_entropy_alone_started_so() -> None:
    alone = {"weight/entropy": 1.0, "base/entropy": 2.0}
    assert collapses(alone, alone) == {}


def test_negative_comes_before_shrinking_and_shrinking_before_entropy() -> None:
    shrunk_to_entropy = {**START, "weight/ce": 0.0, "weight/entropy": 0.02}
    assert list(collapses(START, shrunk_to_entropy)) == ["shrinking"]
    assert list(collapses(START, {**shrunk_to_entropy, "weight/entropy": 0.4})) == ["entropy"]
    assert list(collapses(START, {**shrunk_to_entropy, "weight/ce": -1e-3})) == ["negative"]


def test_a_schedule_is_no_collapse() -> None:
    terms = {name: Term(1.0, 2.0, schedule="decay") for name in ("ce", "entropy")}
    loss = EntropyRegularizedLoss(**terms)
    start = observed(loss)
    loss.coefficients.progress.fill_(1.0)
    now = observed(loss)
    assert now["coefficient/ce"] == now["coefficient/entropy"] == 0.0
    assert collapses(start, now) == {}


def test_a_collapse_of_a_learnt_loss_is_found_with_bases_for_each_class() -> None:
    loss = MinEntLoss(per_class_bases=3)
    start = observed(loss)
    with torch.no_grad():
        loss.coefficients.weight.learnt *= 0.1
    assert list(collapses(start, observed(loss))) == ["shrinking"]


def test_nothing_observed_is_no_collapse() -> None:
    assert collapses({}, {}) == {}


def test_a_base_rounded_to_1_is_no_error() -> None:
    observed = {"weight/ce": 1.0, "base/ce": 1.0}
    assert collapses(observed, observed) == {}
