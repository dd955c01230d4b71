"""CIFAR and SVHN: read as torchvision reads them, refused where they are not as published."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torchvision import datasets

from entreg.__main__ import main
from entreg.data import CIFAR10, CIFAR100, SVHN
from entreg.errors import DataError
from tests.conftest import TINY
from tests.data.images.picture_files import write_cifar, write_svhn


@pytest.mark.parametrize("cls", [CIFAR10, CIFAR100])
def test_cifar_is_what_torchvision_reads(cls, tmp_path, monkeypatch):
    root = write_cifar(tmp_path, monkeypatch, cls.__name__, count=100)
    for train in (True, False):
        images, targets = cls(root=str(root)).checked(train)
        theirs = getattr(datasets, cls.__name__)(str(root), train=train)
        assert images.dtype == torch.uint8
        assert np.array_equal(images.permute(0, 2, 3, 1).numpy(), theirs.data)
        assert targets.tolist() == theirs.targets


def test_classes_of_cifar100_are_as_many_as_they_should_be_and_in_order():
    assert len(set(CIFAR100.classes)) == 100
    assert list(CIFAR100.classes) == sorted(CIFAR100.classes)


@pytest.mark.parametrize("train", [True, False])
def test_svhn_is_what_torchvision_reads(train, tmp_path, monkeypatch):
    root = write_svhn(tmp_path, monkeypatch)
    images, targets = SVHN(root=str(root)).checked(train)
    theirs = datasets.SVHN(str(root), split="train" if train else "test")
    assert np.array_equal(images.numpy(), theirs.data)
    assert np.array_equal(targets.numpy(), theirs.labels)
    assert targets[:3].tolist() == [1, 2, 3]
    assert int(targets[9]) == 0


@pytest.mark.parametrize(("cls", "write"), [(CIFAR10, write_cifar), (SVHN, write_svhn)])
def test_a_file_that_is_not_as_published_is_named(cls, write, tmp_path, monkeypatch):
    data = cls(root=str(write(tmp_path, monkeypatch)))
    assert data.missing(train=True) == []
    victim = data.files(train=True)[0]
    victim.write_bytes(victim.read_bytes()[:-1])

    def refuse(*args, **kwargs):
        raise RuntimeError("no network")

    monkeypatch.setattr(cls, "dataset", refuse)
    with pytest.raises(DataError, match=f"{victim} is damaged and could not be downloaded .no network.") as caught:
        data.prepare_data()
    assert "\n" not in str(caught.value)


def test_it_trains_without_a_word_on_classes_channels_or_size(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = write_cifar(workplace / "cifar", monkeypatch)
    net = ["--model.net", "Timm", "--model.net.name", "vit_tiny_patch16_224"]
    options = [*TINY[TINY.index("--data.batch_size") :], *net, "--data.root", str(root), "--trainer.fast_dev_run", "1"]
    assert main(["fit", "--model.loss", "mix_ent", "--data", "CIFAR10", *options]) == 0
