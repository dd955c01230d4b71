"""A user's own images: decoded as Pillow decodes them, in memory or streamed, to the same pixels."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from entreg.__main__ import main
from entreg.data import ImageFolder
from entreg.data.images.decode import decode
from entreg.data.samples import ResidentSamples
from entreg.errors import ConfigError, DataError
from tests.conftest import TINY
from tests.data.images.picture_files import write_folder


def opened(root, **options):
    data = ImageFolder(str(root), image_size=16, batch_size=4, **options)
    data.setup()
    return data


def training_images(data, epoch):
    loader = data.train_dataloader()
    loader.sampler.set_epoch(epoch)
    return {
        int(i): image
        for batch in (data.transform(batch, epoch) for batch in loader)
        for i, image in zip(batch.id, batch.input, strict=True)
    }


@pytest.mark.parametrize(("channels", "mode"), [(1, "L"), (3, "RGB")])
def test_pixels_are_those_of_pillow(tmp_path, channels, mode):
    data = opened(write_folder(tmp_path), in_channels=channels)
    assert data.classes == ("cat", "dog")
    batch = data.test_set[torch.tensor([4, 0])]
    with Image.open(tmp_path / "test" / "dog" / "1.png") as file:
        expected = np.asarray(file.convert(mode).resize((16, 16), Image.Resampling.BILINEAR))
    assert np.array_equal(batch.input[0].permute(1, 2, 0).squeeze(2).numpy(), expected)
    assert batch.target.tolist() == [1, 0]
    assert batch.input.dtype == torch.uint8


def test_a_picture_taken_sideways_is_turned_upright(tmp_path):
    root = write_folder(tmp_path)
    pixels = np.zeros((16, 16), np.uint8)
    pixels[:, :8] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(pixels).save(root / "test" / "cat" / "0.png", exif=exif)
    image = opened(root, in_channels=1).test_set[torch.tensor([0])].input[0, 0]
    assert image[0].float().mean() > 200
    assert image[-1].float().mean() < 50


@pytest.mark.parametrize("num_workers", [0, 2])
def test_streamed_and_resident_are_one_data_set(tmp_path, num_workers):
    root = write_folder(tmp_path)
    resident, streamed = opened(root), opened(root, max_resident_bytes=0, num_workers=num_workers)
    assert resident.fingerprints == streamed.fingerprints
    assert (resident.mean, resident.std) == (streamed.mean, streamed.std)
    for epoch in (0, 1):
        first, second = training_images(resident, epoch), training_images(streamed, epoch)
        assert first.keys() == second.keys()
        assert all(torch.equal(image, second[i]) for i, image in first.items())


def test_images_that_fit_into_memory_are_moved_to_the_device_as_those_of_other_sets(tmp_path):
    samples = opened(write_folder(tmp_path)).train_set
    assert isinstance(samples, ResidentSamples)
    samples.to(torch.device("meta"))
    assert samples[torch.arange(2)].input.device.type == "meta"


def test_the_fingerprint_sees_another_file(tmp_path):
    root = write_folder(tmp_path)
    before = opened(root).fingerprints
    Image.new("RGB", (9, 9)).save(root / "train" / "cat" / "0.png")
    assert opened(root).fingerprints["train"] != before["train"]


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda root: (root / "test" / "cat" / "0.png").write_bytes(b"<html>"), "0.png: is not a whole image file"),
        (lambda root: (root / "test" / "cow").mkdir(), "has class 'cow'"),
        (lambda root: (root / "train" / "cow").mkdir(), "cow: holds no image"),
        (lambda root: [path.unlink() for path in (root / "test").rglob("*.png")], "holds no samples"),
    ],
)
def test_what_does_not_fit_is_a_data_error(tmp_path, spoil, message):
    root = write_folder(tmp_path)
    spoil(root)
    with pytest.raises(DataError, match=message) as caught:
        opened(root)
    assert "\n" not in str(caught.value)


def test_what_systems_leave_is_no_class_and_no_image(tmp_path):
    root = write_folder(tmp_path)
    before = opened(root)
    for folder in ("train/.ipynb_checkpoints", "train/__MACOSX", "test/@eaDir", "test/cat/@eaDir"):
        (root / folder).mkdir()
    for name in ("train/cat/._0.png", "train/cat/.DS_Store", "train/cat/Thumbs.db", "test/cat/@eaDir/0.png"):
        (root / name).write_bytes(b"left")
    assert opened(root).classes == ("cat", "dog")
    assert opened(root).fingerprints == before.fingerprints


def test_the_order_of_images_is_that_of_torchvision(tmp_path):
    root = write_folder(tmp_path)
    shutil.copytree(root / "train" / "dog", root / "train" / "cat" / "1")
    (root / "train" / "cat" / "1.PNG").write_bytes((root / "train" / "cat" / "1.png").read_bytes())
    theirs = datasets.ImageFolder(str(root / "train"))
    ours = opened(root).train_set.stored
    assert [(str(path), int(k)) for path, k in zip(ours.paths, ours.targets, strict=True)] == theirs.samples


@pytest.mark.parametrize("max_resident_bytes", [0, 2**20])
def test_how_pictures_are_brought_to_squares_is_told(tmp_path, max_resident_bytes):
    root, first = write_folder(tmp_path), torch.tensor([0])
    data = opened(root, fit="pad", max_resident_bytes=max_resident_bytes)
    assert data.description["fit"] == "pad"
    assert torch.equal(data.test_set[first].input[0], decode(root / "test" / "cat" / "0.png", 3, 16, "pad"))
    assert not torch.equal(data.test_set[first].input, opened(root).test_set[first].input)


def test_images_of_one_colour_are_a_data_error(tmp_path):
    root = write_folder(tmp_path)
    for path in root.rglob("*.png"):
        Image.new("RGB", (9, 9), (0, 255, 0)).save(path)
    with pytest.raises(DataError, match="channel 0 of the training images is 0 of 255 everywhere"):
        opened(root)
    opened(root, mean=[0.5] * 3, std=[0.5] * 3)


def test_of_streamed_pictures_the_headers_are_read_before_training(tmp_path):
    root = write_folder(tmp_path)
    (root / "test" / "dog" / "1.png").write_bytes(b"")
    with pytest.raises(DataError, match=r"1.png: is not an image file"):
        opened(root, max_resident_bytes=0)


def test_a_picture_that_a_worker_cannot_read_is_one_line(workplace: Path, capsys) -> None:
    root = write_folder(workplace / "pictures")
    victim = root / "test" / "dog" / "2.png"
    victim.write_bytes(victim.read_bytes()[:300])  # its header is whole
    options = [*TINY[TINY.index("--trainer.max_epochs") :], "--data.batch_size", "4", "--data.root", str(root)]
    options += ["--data.max_resident_bytes", "0", "--data.num_workers", "1", "--model.net", "MLP"]
    assert main(["fit", "--model.loss", "mix_ent", "--data", "ImageFolder", *options]) == 1
    error = [line for line in capsys.readouterr().err.splitlines() if line.startswith("entreg: ")]
    assert len(error) == 1
    assert error[0].startswith(f"entreg: {victim}: is not a whole image file")
    assert "Traceback" not in error[0]


def test_a_truncated_picture_is_named_when_it_is_read(tmp_path):
    root = write_folder(tmp_path)
    victim = root / "train" / "dog" / "3.png"
    victim.write_bytes(victim.read_bytes()[:200])
    with pytest.raises(DataError, match=str(victim)):
        opened(root)


def test_a_root_without_images_says_what_should_be_there(tmp_path):
    with pytest.raises(DataError, match=r"train: is absent; --data.root holds train/<class>"):
        ImageFolder(str(tmp_path))


def test_a_root_without_classes_says_what_should_be_there(tmp_path):
    (tmp_path / "train").mkdir()
    with pytest.raises(DataError, match=r"train: holds no folder; --data.root holds train/<class>"):
        ImageFolder(str(tmp_path))


def test_a_size_below_one_is_a_config_error(tmp_path):
    with pytest.raises(ConfigError, match="image_size"):
        ImageFolder(str(write_folder(tmp_path)), image_size=0)


def test_it_trains_on_pictures_alone(workplace: Path) -> None:
    root = write_folder(workplace / "pictures")
    options = [*TINY[TINY.index("--trainer.max_epochs") :], "--data.batch_size", "4", "--data.root", str(root)]
    assert main(["fit", "--model.loss", "mix_ent", "--data", "ImageFolder", "--model.net", "MLP", *options]) == 0
