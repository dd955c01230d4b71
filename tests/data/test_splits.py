"""The validation split and the digests."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entreg.data.splits import digest, split_validation
from entreg.errors import DataError


def targets_of(*counts, seed=0):
    """Shuffled targets with ``counts[k]`` samples of class ``k``."""
    targets = torch.arange(len(counts)).repeat_interleave(torch.tensor(counts))
    return targets[torch.randperm(len(targets), generator=torch.Generator().manual_seed(seed))]


class_counts = st.lists(st.tuples(st.integers(2, 60), st.integers(1, 40)), min_size=2, max_size=6)


@settings(max_examples=30, deadline=None)
@given(class_counts, st.integers(0, 3))
def test_split_is_a_partition_in_ascending_order(counts, seed):
    train, test = targets_of(*(a for a, _ in counts)), targets_of(*(b for _, b in counts))
    kept, val = split_validation(train, test, seed)
    assert torch.cat([kept, val]).sort().values.tolist() == list(range(len(train)))
    assert kept.equal(kept.sort().values)
    assert val.equal(val.sort().values)


@pytest.mark.parametrize("wanted", [(10, 10, 10), (20, 5, 1)])
def test_validation_is_as_large_as_test_and_has_its_class_counts(wanted):
    train = targets_of(50, 90, 40)
    _, val = split_validation(train, targets_of(*wanted), seed=0)
    assert train[val].bincount().tolist() == list(wanted)


def test_split_is_a_function_of_its_seed():
    train, test = targets_of(50, 50), targets_of(10, 10)
    first, again, other = (split_validation(train, test, seed)[1] for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_the_tail_is_validation_where_it_has_the_counts_of_test():
    train = torch.cat([targets_of(10, 50), targets_of(10, 10)])
    kept, val = split_validation(train, targets_of(10, 10, seed=1), seed=0)
    assert kept.tolist() == list(range(60))
    assert val.tolist() == list(range(60, 80))


def test_the_tail_of_a_file_that_is_sorted_by_class_is_no_validation() -> None:
    train = torch.tensor([0] * 1000 + [1] * 50)
    kept, val = split_validation(train, torch.tensor([0] * 200 + [1] * 50), seed=0)
    assert train[kept].bincount().tolist() == [900, 25]
    assert train[val].bincount().tolist() == [100, 25]


def test_the_tail_is_not_validation_where_one_count_differs():
    train = torch.cat([targets_of(40, 50), targets_of(11, 9)])
    _, val = split_validation(train, targets_of(10, 10, seed=1), seed=0)
    assert val.tolist() != list(range(90, 110))
    assert train[val].bincount().tolist() == [10, 10]


def test_a_rare_class_gives_at_most_half_and_the_others_in_proportion():
    train = targets_of(4, 100, 100)
    _, val = split_validation(train, targets_of(10, 10, 20), seed=0)
    assert train[val].bincount().tolist() == [2, 2, 4]


@settings(max_examples=30, deadline=None)
@given(class_counts)
def test_validation_never_takes_more_than_half_of_a_class(counts):
    train, test = targets_of(*(a for a, _ in counts)).sort().values, targets_of(*(b for _, b in counts))
    _, val = split_validation(train, test, seed=0)
    taken = train[val].bincount(minlength=len(counts))
    assert (2 * taken <= train.bincount()).all()
    assert (taken <= test.bincount()).all()


def test_digest_changes_with_value_shape_dtype_and_order():
    tensor = torch.tensor([[0, 1], [2, 3]], dtype=torch.int32)
    changed = tensor.clone()
    changed[1, 1] = 4
    variants = [tensor, changed, tensor.view(4), tensor.view(torch.float32), tensor.flip(0), tensor.long()]
    digests = {digest(variant) for variant in variants} | {digest(tensor, changed), digest(changed, tensor)}
    assert len(digests) == len(variants) + 2
    assert digest(tensor.clone()) == digest(tensor) == digest(tensor.T.contiguous().T)
    assert len(digest(tensor)) == 16


def test_a_class_of_the_test_file_must_be_in_the_training_file():
    with pytest.raises(DataError, match="class 2 is in the test file but not in the training file"):
        split_validation(torch.tensor([0] * 50 + [1] * 50), torch.tensor([0, 1, 2]), 0)


def test_classes_too_rare_to_share_are_named():
    train, test = torch.tensor([0] * 50 + [1]), torch.tensor([0] * 10 + [1] * 10)
    with pytest.raises(DataError, match="class 1 has 1 training samples, too few to spare any for validation"):
        split_validation(train, test, seed=0)
