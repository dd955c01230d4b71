"""The data module: validation split, fingerprints, augmentation by id, and what it refuses."""

from types import SimpleNamespace

import pytest
import torch

from entreg.data import ImageDataModule, Warp
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


def test_fingerprints_do_not_depend_on_the_seed_of_the_run():
    one, another, split = tiny(seed=0), tiny(seed=1, batch_size=7), tiny(split_seed=1)
    assert one.fingerprints == another.fingerprints
    assert one.fingerprints.keys() == {"train", "val", "test"}
    differing = {key for key, value in one.fingerprints.items() if split.fingerprints[key] != value}
    assert differing == {"train", "val"}


def test_files_are_loaded_once():
    data = tiny()
    images = data.train_set.images
    data.setup("test")
    assert data.train_set.images is images


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


@pytest.mark.parametrize(("batch_size", "num_workers"), [(256, 0), (64, 2), (256, 2)])
def test_batch_size_and_workers_change_no_augmented_sample(batch_size, num_workers):
    reference = epoch_by_id(tiny(batch_size=64), epoch=1)
    other = epoch_by_id(tiny(batch_size=batch_size, num_workers=num_workers), epoch=1)
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


def test_each_evaluation_image_comes_once_with_its_own_id():
    data = tiny(eval_batch_size=17)
    for loader, dataset, ids in (
        (data.val_dataloader(), data.train_set, data.val_ids),
        (data.test_dataloader()[0], data.test_set, torch.arange(60)),
        (data.predict_dataloader(), data.test_set, torch.arange(60)),
    ):
        seen = list(loader)
        assert torch.equal(torch.cat([batch.id for batch in seen]), ids)
        assert torch.equal(torch.cat([batch.input for batch in seen]), dataset.images[ids])
        assert torch.equal(torch.cat([batch.target for batch in seen]), dataset.targets[ids])


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda images, targets: (images, targets - 1), "labels run from -1 to 1, expected 0 to 2"),
        (lambda images, targets: (images, targets + 1), "labels run from 1 to 3, expected 0 to 2"),
        (lambda images, targets: (images[:-1], targets), "599 images but 600 labels"),
        (lambda images, targets: (images[:0], targets[:0]), "holds no images"),
    ],
)
def test_files_that_do_not_fit_are_data_errors(monkeypatch, spoil, message):
    load = Tiny.load
    monkeypatch.setattr(Tiny, "load", lambda self, train: spoil(*load(self, train)))
    with pytest.raises(DataError, match=f"Tiny training file: {message}"):
        tiny()


@pytest.mark.parametrize(
    "wrong",
    [
        {"batch_size": 0},
        {"eval_batch_size": 0},
        {"mean": (0.5, 0.5)},
        {"mean": ()},
        {"std": (0.5, 0.5)},
        {"std": ()},
        {"std": (0.0,)},
        {"num_workers": -1},
    ],
)
def test_wrong_arguments_are_config_errors_naming_the_key(wrong):
    with pytest.raises(ConfigError, match=f"data.{next(iter(wrong))}") as caught:
        Tiny(**wrong)
    assert "\n" not in str(caught.value)


def test_a_batch_larger_than_the_training_set_is_a_config_error():
    assert len(tiny(batch_size=540).train_dataloader()) == 1
    with pytest.raises(ConfigError, match=r"data.batch_size 541 exceeds the 540 training images"):
        tiny(batch_size=541).train_dataloader()


def test_a_batch_that_the_processes_cannot_share_is_a_config_error():
    data = tiny(batch_size=65)
    data.trainer = SimpleNamespace(global_rank=0, world_size=2)
    with pytest.raises(ConfigError, match=r"data.batch_size 65 is not divisible by 2"):
        data.train_dataloader()


def test_warp_is_the_default_and_the_data_tell_their_classes():
    data = Tiny()
    assert data.augment == Warp(distortion=0.5, perspective_p=0.5, degrees=10.0)
    assert data.num_classes == 3


def test_images_cannot_be_kept_on_a_device_that_is_not_there():
    with pytest.raises(ConfigError, match=r"data.on_device true needs a GPU"):
        tiny(on_device=True)


def test_a_run_does_not_resume_on_other_data_but_any_may_be_looked_at():
    state = tiny().state_dict()
    tiny().load_state_dict(state)
    other = tiny(split_seed=1)
    with pytest.raises(DataError, match="the train data are not those that this run began with"):
        other.load_state_dict(state)
    other.trainer = SimpleNamespace(state=SimpleNamespace(fn="test"))
    other.load_state_dict(state)
