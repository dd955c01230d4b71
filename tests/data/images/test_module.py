"""The data module of images: normalised, augmented by id, corrupted; noise; and what it says and refuses."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from entreg.data import (
    CIFAR10,
    CIFAR100,
    EMNIST,
    KMNIST,
    MNIST,
    SVHN,
    Corruptions,
    FashionMNIST,
    FlipCrop,
    ImageDataModule,
    ResizedCrop,
    Strokes,
    Warp,
)
from entreg.data.evaluation_sets import EvaluationSet
from entreg.errors import ConfigError, DataError


class Tiny(ImageDataModule):
    """600 training and 60 test images of noise in three classes."""

    classes = ("a", "b", "c")
    default_mean = (0.5,)
    default_std = (0.25,)

    def load(self, train):
        generator = torch.Generator().manual_seed(int(train))
        count = 600 if train else 60
        images = torch.randint(256, (count, 1, 13, 11), generator=generator, dtype=torch.uint8)
        return images, torch.randperm(count, generator=generator) % 3


class Coloured(Tiny):
    in_channels = 2
    default_mean = (0.5, 0.25)
    default_std = (0.25, 0.5)

    def load(self, train):
        images, targets = super().load(train)
        return images.expand(-1, 2, -1, -1).contiguous(), targets


def tiny(cls=Tiny, **kwargs):
    data = cls(root="unused", **kwargs)
    data.setup()
    return data


def epoch_by_id(data, epoch):
    """Every augmented training image of an epoch, by sample id."""
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    transformed = [data.transform(batch, epoch) for batch in loader]
    return {int(i): image for batch in transformed for i, image in zip(batch.id, batch.input, strict=True)}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[i], second[i]) for i in first)


@pytest.mark.parametrize("cls", [Tiny, Coloured])
def test_images_are_normalised_per_channel_and_not_augmented_outside_training(cls):
    data = tiny(cls)
    batch = next(iter(data.val_dataloader()))
    assert batch.input.dtype == torch.uint8
    out = data.transform(batch, epoch=None)
    for channel, (mean, std) in enumerate(zip(data.mean, data.std, strict=True)):
        expected = (batch.input[:, channel].double() / 255 - mean) / std
        torch.testing.assert_close(out.input[:, channel].double(), expected, rtol=1e-5, atol=1e-5)
    assert out.input.dtype == torch.float32
    assert torch.equal(out.target, batch.target)
    assert torch.equal(out.id, batch.id)


def test_no_warp_without_augment():
    data = tiny(augment=None)
    batch = next(iter(data.train_dataloader()))
    assert torch.equal(data.transform(batch, epoch=0).input, data.transform(batch, epoch=None).input)


def test_only_training_batches_are_augmented():
    data = tiny()
    batch = next(iter(data.train_dataloader()))
    for training, epoch in ((True, 3), (False, None)):
        data.trainer = SimpleNamespace(training=training, current_epoch=3)
        moved = data.on_after_batch_transfer(batch, 0)
        assert torch.equal(moved.input, data.transform(batch, epoch).input)
    assert not torch.equal(data.transform(batch, 3).input, data.transform(batch, None).input)


@pytest.mark.parametrize(
    ("batch_size", "num_workers", "augment"),
    [(256, 0, Warp()), (64, 2, Warp()), (256, 0, FlipCrop(cutout=5)), (64, 2, ResizedCrop())],
)
def test_batch_size_and_workers_change_no_augmented_sample(batch_size, num_workers, augment):
    reference = epoch_by_id(tiny(batch_size=64, augment=augment), epoch=1)
    other = epoch_by_id(tiny(batch_size=batch_size, num_workers=num_workers, augment=augment), epoch=1)
    assert len(reference) == len(other) == 512
    assert same(reference, other)


def test_two_epochs_differ_and_two_modules_with_one_seed_are_bit_equal():
    data, twin, other = tiny(seed=4), tiny(seed=4), tiny(seed=5)
    first, second = epoch_by_id(data, 0), epoch_by_id(data, 1)
    assert same(first, epoch_by_id(twin, 0))
    assert same(second, epoch_by_id(twin, 1))
    for changed in (second, epoch_by_id(other, 0)):
        common = first.keys() & changed.keys()
        assert len(common) > 400
        assert not any(torch.equal(first[i], changed[i]) for i in common)


def test_going_back_to_an_epoch_gives_its_samples_again():
    data = tiny()
    first = epoch_by_id(data, 0)
    epoch_by_id(data, 1)
    assert same(first, epoch_by_id(data, 0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"mean": (0.5, 0.5)},
        {"mean": ()},
        {"std": (0.5, 0.5)},
        {"std": ()},
        {"std": (0.0,)},
    ],
)
def test_wrong_arguments_are_config_errors_naming_the_key(wrong):
    ((name, numbers),) = wrong.items()
    kind = {"mean": "numbers", "std": "numbers > 0"}[name]
    with pytest.raises(ConfigError) as caught:
        Tiny(**wrong)
    assert str(caught.value) == f"data.{name} takes 1 {kind}, got {numbers}"


def test_warp_is_the_default_and_the_data_tell_their_classes():
    data = Tiny()
    assert data.augment == Warp(distortion=0.5, perspective_p=0.5, degrees=10.0)
    assert data.num_classes == 3


@pytest.mark.parametrize(
    ("cls", "expected"),
    [
        (EMNIST, Warp()),
        (MNIST, Warp()),
        (KMNIST, Warp()),
        (Strokes, Warp()),
        (FashionMNIST, FlipCrop(padding_mode="zeros")),
        (CIFAR10, FlipCrop()),
        (CIFAR100, FlipCrop()),
        (SVHN, FlipCrop(flip_p=0)),
    ],
)
def test_what_is_augmented_stays_what_it_is(cls, expected):
    assert cls(root="unused").augment == expected


def test_noise_is_a_function_of_the_split_seed_in_the_shape_of_the_data():
    first, again, other = (tiny(split_seed=seed, seed=run).evaluation_sets[0] for seed, run in ((0, 0), (0, 1), (1, 0)))
    assert (first.stem, first.classes, first.near) == ("ood-noise", ("noise",), False)
    assert first.samples.inputs.shape == (2000, 1, 13, 11)
    assert torch.equal(first.samples.inputs, again.samples.inputs)
    assert not torch.equal(first.samples.inputs, other.samples.inputs)
    assert first.samples.inputs.float().mean().item() == pytest.approx(127.5, abs=0.5)


def test_test_images_are_corrupted_as_their_set_says_before_they_are_normalised():
    data = tiny(ood=(), corruptions=["occlusion"], split_seed=3)
    assert data.test_names == ("test", *(f"corrupt-occlusion-{severity}" for severity in range(1, 6)))
    data.trainer = SimpleNamespace(training=False, testing=True)
    batch = data.test_set[torch.tensor([5, 2])]
    expected = Corruptions(60, seed=3)("occlusion", 4, batch.input.float(), batch.id)
    found = data.on_after_batch_transfer(batch, 4).input
    torch.testing.assert_close(found, (expected / 255 - 0.5) / 0.25, rtol=1e-4, atol=1e-5)
    clean = EvaluationSet("ood", "other", data.test_set, ("x",))
    assert data.corrupt(batch, clean) is batch


def test_the_data_say_what_images_a_network_is_trained_on():
    data = tiny(std=[0.5])
    assert data.image_shape == data.input_shape == (1, 13, 11)
    assert data.description == {
        "image_shape": [1, 13, 11],
        "mean": [0.5],
        "std": [0.5],
        "transposed": False,
        "ink": False,
        "pixels": data.test_set.digest(torch.arange(60)),
    }


def test_test_images_can_be_looked_at_before_and_after_the_data_are_set_up():
    data, ids = Tiny(root="unused"), torch.tensor([7, 0])
    before = data.pictures(ids)
    data.setup()
    expected = data.test_set[ids].input[:, 0]
    for pictures in (before, data.pictures(ids)):
        assert all(np.array_equal(picture, image) for picture, image in zip(pictures, expected, strict=True))


def test_images_look_to_a_network_as_those_that_it_was_trained_on() -> None:
    here, there = Tiny(root="unused", ood=[]), Tiny(root="unused", ood=[])
    there.adopt({"transposed": True, "mean": [0.25], "std": [0.5]}, ["a", "b", "c"])
    for data in (here, there):
        data.setup()
    batch = here.test_set[torch.arange(4)]
    pixels = here.transform(batch, None).input * 0.25 + 0.5
    torch.testing.assert_close(there.transform(batch, None).input, (pixels.mT - 0.25) / 0.5)
    with pytest.raises(
        DataError, match="the network knows other classes than these data have, 'x' where they have 'c'"
    ):
        here.adopt({}, ["a", "b", "x"])
