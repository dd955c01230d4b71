"""Crops of streamed pictures are a function of (seed, epoch, id), whoever reads them and wherever training stopped."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from entreg.data import DecodeCrop, ImageFolder
from entreg.data.images.decode import decode
from entreg.data.images.jpeg import read_pixels
from entreg.data.sampling import EpochSampler
from tests.conftest import TINY
from tests.data.images.picture_files import write_folder
from tests.system.test_resume import assert_same, fit_with_snapshots, resumed

CROP = DecodeCrop(size=12)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_folder(tmp_path_factory.mktemp("streamed"), suffix=".jpg")


def opened(root: Path, **options: object) -> ImageFolder:
    data = ImageFolder(str(root), image_size=16, augment=None, **{"batch_size": 4, "crop": CROP, **options})
    data.setup()
    return data


def crops(data: ImageFolder, epoch: int) -> dict[int, torch.Tensor]:
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return {int(i): image for batch in loader for i, image in zip(batch.id, batch.input, strict=True)}


def assert_equal(first: dict[int, torch.Tensor], second: dict[int, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(image, second[i]) for i, image in first.items())


def test_crops_depend_on_seed_epoch_and_id_alone(root: Path) -> None:
    data = opened(root)
    first, second = crops(data, 0), crops(data, 1)
    assert len(first) == 8  # of ten
    for i, image in first.items():
        assert image.shape == (3, 12, 12)
        assert torch.equal(image, CROP(read_pixels(data.train_set.path(i), 3), 12, 0, 0, i))
    both = first.keys() & second.keys()
    assert not any(torch.equal(first[i], second[i]) for i in both)
    assert_equal(crops(opened(root, num_workers=2), 0), first)
    of_two = crops(opened(root, batch_size=2), 0)
    assert_equal({i: of_two[i] for i in first}, first)
    ranks = [EpochSampler(data.train_ids, 4, seed=0, rank=rank, world_size=2) for rank in (0, 1)]
    shared = [data.train_set[asked] for rank in ranks for asked in rank]
    assert_equal({int(i): image for batch in shared for i, image in zip(batch.id, batch.input, strict=True)}, first)
    other_seed = crops(opened(root, seed=1), 0)
    assert not any(torch.equal(image, other_seed[i]) for i, image in first.items() if i in other_seed)


def test_validation_test_and_networks_see_whole_pictures(root: Path) -> None:
    data = opened(root)
    (batch, *_) = data.val_dataloader()
    expected = torch.stack([decode(data.train_set.path(i), 3, 16) for i in batch.id.tolist()])
    assert torch.equal(batch.input, expected)
    assert data.input_shape == data.test_set.input_shape == (3, 16, 16)
    assert opened(root, crop=None).fingerprints == data.fingerprints
    again = data.training_batch(torch.tensor([3, 1]), epoch=5)
    assert torch.equal(again.input, data.transform(data.train_set.of_epoch(5, torch.tensor([3, 1])), 5).input)


def test_an_epoch_goes_on_where_it_stopped(root: Path) -> None:
    whole, running, going_on = (opened(root, num_workers=1) for _ in range(3))
    expected = list(whole.train_dataloader())
    batches = iter(running.train_dataloader())
    next(batches)
    going_on.load_state_dict(running.state_dict())
    (rest,) = going_on.train_dataloader()
    assert all(torch.equal(ours, theirs) for ours, theirs in zip(rest, expected[1], strict=True))


def test_killed_and_resumed_is_never_stopped(root: Path, workplace: Path) -> None:
    options = [*TINY, "--data", "ImageFolder", "--data.root", str(root), "--data.image_size", "28"]
    options += ["--data.batch_size", "4", "--data.num_workers", "1", "--data.augment", "null", "--data.crop", "{}"]
    options += ["--data.ood", "[]"]
    options += ["--checkpoint.every_n_steps", "1", "--checkpoint.keep", "all"]
    whole = fit_with_snapshots(workplace, *options, "--trainer.callbacks", "user_file.Snapshots")
    assert_same(resumed(workplace, "start-3"), whole)
