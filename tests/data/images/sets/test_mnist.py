"""MNIST and its relatives: read as torchvision reads them, plain or gzipped."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import torch
from torchvision import datasets

from entreg.data import KMNIST, MNIST, QMNIST, FashionMNIST
from entreg.errors import DataError
from tests.data.images.sets.idx_files import encode

FAMILY = pytest.mark.parametrize("cls", [MNIST, FashionMNIST, KMNIST])
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


def write(folder: Path, packed: bool, train: int = 300, test: int = 100) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    generator = torch.Generator().manual_seed(0)
    for stem, count in (("train", train), ("t10k", test)):
        images = torch.randint(256, (count, 28, 28), generator=generator, dtype=torch.uint8)
        labels = (torch.arange(count) % 10).to(torch.uint8)
        for name, tensor in ((f"{stem}-images-idx3-ubyte", images), (f"{stem}-labels-idx1-ubyte", labels)):
            content = gzip.compress(encode(tensor)) if packed else encode(tensor)
            (folder / (name + ".gz" * packed)).write_bytes(content)


@FAMILY
def test_tensors_are_those_that_torchvision_reads(cls: type[MNIST], tmp_path: Path) -> None:
    write(tmp_path / cls.__name__ / "raw", packed=False)
    for train in (True, False):
        images, targets = cls(root=str(tmp_path)).load(train)
        theirs = getattr(datasets, cls.__name__)(str(tmp_path), train=train)
        assert torch.equal(images[:, 0], theirs.data)
        assert torch.equal(targets, theirs.targets)


@pytest.mark.parametrize("place", ["KMNIST/raw", "."])
def test_gzipped_files_are_found_in_torchvisions_place_and_in_the_root(place: str, tmp_path: Path) -> None:
    write(tmp_path / place, packed=True)
    data = KMNIST(root=str(tmp_path))
    data.prepare_data()
    data.setup()
    assert (len(data.train_ids), len(data.val_ids), len(data.test_set)) == (200, 100, 100)
    assert data.num_classes == 10


def test_statistics_that_are_not_known_are_measured_on_the_training_images(tmp_path: Path) -> None:
    write(tmp_path, packed=False)
    data = KMNIST(root=str(tmp_path), mean=[0.25])
    assert (data.mean, data.std) == ((0.25,), None)
    data.setup()
    pixels = data.train_set.inputs[data.train_ids].double() / 255
    assert data.mean == (0.25,)
    assert data.std == pytest.approx([pixels.std(correction=0).item()])


@FAMILY
def test_the_names_of_the_classes_are_those_of_torchvision(cls: type[MNIST]) -> None:
    theirs = [name.lower() for name in getattr(datasets, cls.__name__).classes]
    assert all(ours in name for ours, name in zip(cls.classes, theirs, strict=True))


def test_absent_files_name_the_first_and_the_ways_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr(datasets, "FashionMNIST", refuse)
    with pytest.raises(DataError, match="is absent and could not be downloaded") as caught:
        FashionMNIST(root=str(tmp_path)).prepare_data()
    message = str(caught.value)
    assert message.startswith(str(tmp_path / "FashionMNIST" / "raw" / "train-images-idx3-ubyte"))
    assert "the four IDX files of FashionMNIST, plain or .gz" in message


@pytest.mark.parametrize(("test", "count"), [("test10k", 10_000), ("test50k", 5), ("test", 10_005)])
def test_qmnist_is_what_torchvision_reads(test: str, count: int, tmp_path: Path) -> None:
    folder = tmp_path / "QMNIST" / "raw"
    folder.mkdir(parents=True)
    for stem, n in (("qmnist-train", 30), ("qmnist-test", 10_005)):
        images = torch.randint(256, (n, 28, 28), dtype=torch.uint8)
        labels = torch.randint(100, (n, 8), dtype=torch.int32)
        labels[:, 0] = torch.arange(n) % 10
        (folder / f"{stem}-images-idx3-ubyte").write_bytes(encode(images))
        header = bytes((0, 0, 0x0C, 2)) + n.to_bytes(4, "big") + (8).to_bytes(4, "big")
        (folder / f"{stem}-labels-idx2-int").write_bytes(header + labels.numpy().astype(">i4").tobytes())
    data = QMNIST(test, root=str(tmp_path))
    assert data.missing(train=True) == data.missing(train=False) == []
    for train, what in ((True, "train"), (False, test)):
        images, targets = data.checked(train)
        theirs = datasets.QMNIST(str(tmp_path), what=what)
        assert torch.equal(images[:, 0], theirs.data)
        assert torch.equal(targets, theirs.targets[:, 0])
    assert len(targets) == count


@pytest.mark.slow
@pytest.mark.skipif(not DEBIAN.is_dir(), reason=f"Debian's dataset-fashion-mnist is not in {DEBIAN}")
def test_the_real_fashion_mnist_is_read_whole() -> None:
    data = FashionMNIST(root=str(DEBIAN))
    data.prepare_data()
    data.setup()
    assert (len(data.train_ids), len(data.val_ids), len(data.test_set)) == (50_000, 10_000, 10_000)
    assert data.test_set.targets.bincount().tolist() == [1000] * 10
    pixels = data.train_set.inputs.double() / 255
    assert pixels.mean().item() == pytest.approx(data.mean[0], abs=1e-4)
    assert pixels.std().item() == pytest.approx(data.std[0], abs=1e-4)
