"""EMNIST-Letters: read as torchvision reads it, and a clear way out where the files are absent."""

from urllib.error import URLError

import pytest
import torch
from torchvision import datasets

from entreg.data import EMNIST
from entreg.errors import DataError
from tests.data.images.sets.idx_files import encode

FILES = [
    f"emnist-letters-{subset}-{kind}-ubyte" for subset in ("train", "test") for kind in ("images-idx3", "labels-idx1")
]


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError(OSError("Name or service not known"))

    monkeypatch.setattr("torchvision.datasets.mnist.download_and_extract_archive", refuse)


@pytest.mark.parametrize("train", [True, False])
def test_tensors_are_those_that_torchvision_reads(letter_files, train):
    images, targets = EMNIST(root=str(letter_files)).load(train)
    theirs = datasets.EMNIST(str(letter_files), split="letters", train=train)
    assert images.dtype == torch.uint8
    assert torch.equal(images[:, 0], theirs.data)
    assert torch.equal(targets, theirs.targets - 1)
    assert targets.dtype == torch.int64
    assert sorted(targets.unique().tolist()) == list(range(26))


def test_upright_transposes_each_image(letter_files):
    stored, _ = EMNIST(root=str(letter_files)).load(train=False)
    upright, _ = EMNIST(root=str(letter_files), upright=True).load(train=False)
    assert torch.equal(upright, stored.transpose(2, 3))
    assert upright.is_contiguous()


def test_setup_splits_off_as_many_validation_images_as_the_test_set_has(letter_files):
    data = EMNIST(root=str(letter_files))
    data.prepare_data()
    data.setup()
    assert (len(data.train_ids), len(data.val_ids), len(data.test_set)) == (390, 130, 130)
    assert data.train_set.targets[data.val_ids].bincount().tolist() == [5] * 26


def test_files_that_are_there_are_not_downloaded(letter_files, monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("torchvision was asked to download")

    monkeypatch.setattr(datasets, "EMNIST", refuse)
    EMNIST(root=str(letter_files)).prepare_data()


@pytest.mark.parametrize("absent", [FILES, FILES[3:]])
def test_absent_files_without_network_name_the_first_and_the_ways_out(letter_files, no_network, absent):
    raw = letter_files / "EMNIST" / "raw"
    for name in absent:
        (raw / name).unlink()
    with pytest.raises(DataError) as caught:
        EMNIST(root=str(letter_files)).prepare_data()
    message = str(caught.value)
    assert message.startswith(f"{raw / absent[0]} is absent")
    assert "--data.root" in message
    assert "configs/quickstart.yaml" in message
    assert "\n" not in message


def test_a_failed_download_is_a_data_error(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError(OSError("Name or service not known"))

    monkeypatch.setattr(datasets, "EMNIST", refuse)
    with pytest.raises(DataError, match=r"could not be downloaded .*Name or service not known"):
        EMNIST(root=str(tmp_path)).prepare_data()


def test_labels_of_another_split_are_refused(letter_files):
    labels = letter_files / "EMNIST" / "raw" / "emnist-letters-train-labels-idx1-ubyte"
    labels.write_bytes(encode((torch.arange(520) % 47).to(torch.uint8)))
    with pytest.raises(DataError, match="labels run from -1 to 45, expected 0 to 25"):
        EMNIST(root=str(letter_files)).setup()


def test_the_real_letters_are_all_there(letters_root):
    data = EMNIST(root=str(letters_root))
    data.prepare_data()
    data.setup()
    assert data.train_set.inputs.shape == (119_677, 1, 28, 28)
    assert data.test_set.inputs.shape == (10_400, 1, 28, 28)
    assert data.num_classes == 26
    assert len(data.train_ids) == 109_277
    assert len(data.val_ids) == 10_400
    assert data.train_set.targets[data.val_ids].bincount().tolist() == [400] * 26
    assert data.test_set.targets.bincount().tolist() == [400] * 26
    assert data.fingerprints == {"train": "8afb42db2c39d771", "val": "0e8df52706d162bb", "test": "8a77bc02dfd2330a"}


@pytest.mark.parametrize("split", ["balanced", "byclass", "bymerge", "digits", "mnist"])
def test_every_split_has_the_classes_and_labels_of_torchvision(tmp_path, split):
    classes = EMNIST(split).num_classes
    write_split(tmp_path, split, classes)
    data = EMNIST(split, root=str(tmp_path))
    theirs = datasets.EMNIST(str(tmp_path), split=split, train=False)
    images, targets = data.load(train=False)
    assert torch.equal(images[:, 0], theirs.data)
    assert torch.equal(targets, theirs.targets)
    assert list(data.classes) == theirs.classes
    data.setup()
    assert (len(data.val_ids), len(data.test_set)) == (classes, classes)
    assert data.mean[0] == pytest.approx(0.5, abs=0.02)


def test_letters_have_the_classes_of_torchvision():
    assert list(EMNIST().classes) == datasets.EMNIST.classes_split_dict["letters"][1:]


def write_split(root, split, classes):
    raw = root / "EMNIST" / "raw"
    raw.mkdir(parents=True, exist_ok=True)
    for subset, count in (("train", 3 * classes), ("test", classes)):
        images = torch.randint(256, (count, 28, 28), dtype=torch.uint8)
        labels = (torch.arange(count) % classes).to(torch.uint8)
        (raw / f"emnist-{split}-{subset}-images-idx3-ubyte").write_bytes(encode(images))
        (raw / f"emnist-{split}-{subset}-labels-idx1-ubyte").write_bytes(encode(labels))
