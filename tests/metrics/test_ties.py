"""Groups of tied samples by hand."""

import pytest
import torch

from entreg.metrics.ties import group_ties


def test_groups_are_in_order_of_score_and_hold_their_sums():
    groups = group_ties(torch.tensor([2.0, -torch.inf, 2.0, 0.5]), torch.tensor([1.0, 5.0, 2.0, 7.0]))
    assert groups.score.tolist() == [-torch.inf, 0.5, 2.0]
    assert groups.size.tolist() == [1, 1, 2]
    assert groups.total.tolist() == [5, 7, 3]
    assert groups.shared().tolist() == [5, 7, 1.5, 1.5]


def test_no_sample_is_no_group():
    groups = group_ties(torch.empty(0), torch.empty(0, dtype=torch.bool))
    assert [len(field) for field in groups] == [0, 0, 0]


def test_a_score_without_a_place_is_refused():
    with pytest.raises(ValueError, match="scores must be numbers, got 1 NaN among 3"):
        group_ties(torch.tensor([0.1, torch.nan, 0.3]), torch.tensor([True, True, False]))


@pytest.mark.parametrize(("score", "value"), [((3,), (4,)), ((3, 1), (3, 1))])
def test_shapes_that_do_not_fit_are_refused(score, value):
    with pytest.raises(ValueError, match="scores and their values must both have shape"):
        group_ties(torch.zeros(score), torch.zeros(value))
