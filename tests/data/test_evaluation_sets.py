"""Other classes, other sources: what may be called out-of-distribution, and what is a shift."""

from __future__ import annotations

import pytest
import torch

from entreg.data import CIFAR10, EMNIST, KMNIST, MNIST, FashionMNIST, Strokes
from entreg.data.evaluation_sets import SEVERITIES, corrupted_sets, ood_set, shift_set
from entreg.data.samples import ResidentSamples
from entreg.errors import ConfigError


def loaded(data):
    """Give a data set samples of all its classes: their number in the file is their input."""
    targets = torch.arange(3 * data.num_classes) % data.num_classes
    data.load = lambda train: (torch.arange(len(targets))[:, None], targets)
    return data


def doubled(inputs, guest):
    return 2 * inputs


def ood(guest, training):
    return ood_set("guest", loaded(guest), training.label_space, doubled)


def shift(guest, training):
    return shift_set("guest", loaded(guest), training.label_space, doubled)


@pytest.mark.parametrize(
    ("guest", "training"),
    [
        (MNIST(), EMNIST("balanced")),
        (EMNIST("digits"), EMNIST("byclass")),
        (EMNIST("letters"), Strokes()),
        (EMNIST("balanced"), EMNIST("letters")),
    ],
)
def test_sets_that_share_classes_are_refused_and_offered_as_shift(guest, training):
    with pytest.raises(ConfigError, match=r"data.ood: guest shares classes with .* --data.shift \[guest\]"):
        ood(guest, training)
    assert shift(guest, training).stem == "shift-guest"


@pytest.mark.parametrize(
    ("guest", "near"), [(EMNIST("digits"), True), (KMNIST(), False), (FashionMNIST(), False), (CIFAR10(), False)]
)
def test_sets_of_other_classes_are_refused_as_shift_and_offered_as_ood(guest, near):
    with pytest.raises(ConfigError, match=r"data.shift: no class of guest .* --data.ood \[guest\]"):
        shift(guest, EMNIST("letters"))
    found = ood(guest, EMNIST("letters"))
    assert (found.kind, found.name, found.stem) == ("ood", "guest", "ood-guest")
    assert found.near is near  # of the same domain
    assert found.classes == guest.classes
    assert torch.equal(found.samples.inputs, 2 * torch.arange(30)[:, None])
    assert torch.equal(found.samples.targets, torch.arange(30) % 10)


def test_sets_of_no_domain_are_far():
    first, second = KMNIST(), MNIST()
    first.domain = second.domain = ""
    assert not ood(first, second).near


def test_digits_that_look_like_letters_are_marked_and_the_other_way_round():
    assert ood(MNIST(), EMNIST()).lookalikes == (0, 1, 2, 5, 9)
    letters = ood(EMNIST(), MNIST()).lookalikes
    assert [EMNIST().classes[k] for k in letters] == ["g", "i", "l", "o", "q", "s", "z"]
    assert ood(KMNIST(), EMNIST()).lookalikes == ()


def test_a_shift_takes_the_classes_of_the_training_data_and_no_other_sample():
    found = shift(EMNIST("byclass"), EMNIST("letters"))
    names = [c for c in EMNIST("byclass").classes if not c.isdigit()]
    assert found.samples.targets[:52].tolist() == ["abcdefghijklmnopqrstuvwxyz".index(c.lower()) for c in names]
    assert len(found.samples) == 3 * 52
    assert found.samples.inputs[:52, 0].tolist() == list(range(20, 124, 2))
    assert found.classes == EMNIST("letters").classes


def test_a_class_that_merges_cases_is_no_class_of_data_that_do_not():
    with pytest.raises(ConfigError, match="no class of guest"):
        shift(Strokes(), EMNIST("byclass"))
    merged = shift(Strokes(), EMNIST("balanced"))
    kept = {EMNIST("balanced").classes[k] for k in merged.samples.targets.tolist()}
    assert kept == set("CIJKLMOPSUVWXYZ")


def test_corrupted_sets_are_the_test_samples_at_each_severity():
    test = ResidentSamples(torch.zeros(2, 1), torch.tensor([0, 1]))
    found = corrupted_sets(["blur", "noise"], test, ("a", "b"))
    assert [extra.stem for extra in found] == [f"corrupt-{name}-{s}" for name in ("blur", "noise") for s in SEVERITIES]
    assert found[6].corruption == ("noise", 2)
    assert all(extra.samples is test and extra.kind == "corrupt" for extra in found)
