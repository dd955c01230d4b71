"""Other classes, other sources: what may be called out-of-distribution, and what is a shift."""

from __future__ import annotations

import pytest
import torch

from entreg.data import CIFAR10, EMNIST, KMNIST, MNIST, FashionMNIST, ImageDataModule, Strokes
from entreg.data.evaluation_sets import conform, noise_set, ood_set, shift_set
from entreg.errors import ConfigError


def loaded(data, classes=None):
    """Give a data module random images of all its classes."""
    side, channels = data.image_size, data.in_channels
    targets = torch.arange(3 * data.num_classes) % data.num_classes
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (len(targets), channels, side, side), generator=generator, dtype=torch.uint8)
    data.load = lambda train: (images, targets)
    return data


def host(data):
    data = loaded(data)
    data.ood = ()
    data.setup()
    return data


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
        ood_set("guest", loaded(guest), host(training))
    assert shift_set("guest", loaded(guest), host(training)).name == "shift-guest"


@pytest.mark.parametrize("guest", [KMNIST(), FashionMNIST(), EMNIST("digits"), CIFAR10()])
def test_sets_of_other_classes_are_refused_as_shift_and_offered_as_ood(guest):
    with pytest.raises(ConfigError, match=r"data.shift: no class of guest .* --data.ood \[guest\]"):
        shift_set("guest", loaded(guest), host(EMNIST("letters")))
    found = ood_set("guest", loaded(guest), host(EMNIST("letters")))
    assert found.images.image_shape == (1, 28, 28)
    assert found.classes == guest.classes


@pytest.mark.parametrize(
    ("guest", "training", "near"),
    [
        (MNIST(), EMNIST(), True),
        (KMNIST(), EMNIST(), False),
        (FashionMNIST(), EMNIST(), False),
        (CIFAR10(), EMNIST(), False),
    ],
)
def test_sets_of_the_same_domain_are_near(guest, training, near):
    assert ood_set("guest", loaded(guest), host(training)).near is near


def test_digits_that_look_like_letters_are_marked_and_the_other_way_round():
    assert ood_set("digits", loaded(MNIST()), host(EMNIST())).lookalikes == (0, 1, 2, 5, 9)
    letters = ood_set("letters", loaded(EMNIST()), host(MNIST())).lookalikes
    assert [EMNIST().classes[k] for k in letters] == ["g", "i", "l", "o", "q", "s", "z"]
    assert ood_set("kmnist", loaded(KMNIST()), host(EMNIST())).lookalikes == ()


def test_a_shift_takes_the_classes_of_the_training_data():
    found = shift_set("byclass", loaded(EMNIST("byclass")), host(EMNIST("letters")))
    names = [c for c in EMNIST("byclass").classes if not c.isdigit()]
    assert found.images.targets[:52].tolist() == ["abcdefghijklmnopqrstuvwxyz".index(c.lower()) for c in names]
    assert len(found.images) == 3 * 52
    assert found.classes == EMNIST("letters").classes


def test_a_class_that_merges_cases_is_no_class_of_data_that_do_not():
    with pytest.raises(ConfigError, match="no class of strokes"):
        shift_set("strokes", loaded(Strokes()), host(EMNIST("byclass")))
    merged = shift_set("strokes", loaded(Strokes()), host(EMNIST("balanced")))
    kept = {EMNIST("balanced").classes[k] for k in merged.images.targets.tolist()}
    assert kept == set("CIJKLMOPSUVWXYZ")


@pytest.mark.parametrize(("training", "turned"), [(EMNIST(), True), (EMNIST(upright=True), False)])
def test_images_are_turned_as_the_training_images_are(training, turned):
    guest = loaded(KMNIST())
    images, _ = guest.load(False)
    assert torch.equal(conform(images, guest, host(training)), images.mT if turned else images)


def test_images_take_the_size_and_channels_of_the_training_images():
    grey, colour = loaded(MNIST()), loaded(CIFAR10())
    bigger = conform(grey.load(False)[0], grey, host(CIFAR10()))
    assert bigger.shape[1:] == (3, 32, 32)
    assert torch.equal(bigger[:, 0], bigger[:, 2])
    white = torch.full((2, 3, 32, 32), 255, dtype=torch.uint8)
    assert torch.equal(conform(white, colour, host(MNIST())), torch.full((2, 1, 28, 28), 255, dtype=torch.uint8))


def test_noise_is_a_function_of_the_seed_in_the_shape_of_the_data():
    first, again, other = (noise_set(host(MNIST()), 50, seed) for seed in (0, 0, 1))
    assert first.images.images.shape == (50, 1, 28, 28)
    assert torch.equal(first.images.images, again.images.images)
    assert not torch.equal(first.images.images, other.images.images)
    assert first.images.images.float().mean().item() == pytest.approx(127.5, abs=2)


def test_symbols_default_to_the_names_of_the_classes():
    class Animals(ImageDataModule):
        classes = ("cat", "dog")

    assert Animals().symbols == (frozenset({"cat"}), frozenset({"dog"}))
