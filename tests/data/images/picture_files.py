"""Folders of picture files, and CIFAR's and SVHN's files as torchvision reads them, made of random pixels."""

from __future__ import annotations

import hashlib
import pickle
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from PIL import Image
from torchvision import datasets


def write_folder(
    root: Path, classes: tuple[str, ...] = ("cat", "dog"), train: int = 8, test: int = 3, suffix: str = ".png"
) -> Path:
    """Write files of several sizes, ``train`` and ``test`` of each class; return their root."""
    random = np.random.default_rng(0)
    for part, count in (("train", train), ("test", test)):
        for name in classes:
            folder = root / part / name
            folder.mkdir(parents=True)
            for i in range(count):
                pixels = random.integers(256, size=(20 + i, 30 - i, 3), dtype=np.uint8)
                Image.fromarray(pixels).save(folder / f"{i}{suffix}")
    return root


def write_cifar(root: Path, monkeypatch: pytest.MonkeyPatch, cls: str = "CIFAR10", count: int = 40) -> Path:
    """Write batches of ``count`` images each, and let torchvision take their MD5 sums for the published ones."""
    theirs = getattr(datasets, cls)
    label, classes = ("labels", 10) if cls == "CIFAR10" else ("fine_labels", 100)
    folder = root / theirs.base_folder
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)

    def write(name: str, content: object) -> list[str]:
        packed = pickle.dumps(content)
        (folder / name).write_bytes(packed)
        return [name, hashlib.md5(packed).hexdigest()]

    for files in ("train_list", "test_list"):
        written = []
        for name, _ in getattr(theirs, files):
            data = random.integers(256, size=(count, 3072), dtype=np.uint8)
            written.append(write(name, {"data": data, label: [i % classes for i in range(count)]}))
        monkeypatch.setattr(theirs, files, written)
    names = [f"class {k}" for k in range(classes)]
    name, md5 = write(theirs.meta["filename"], {theirs.meta["key"]: names})
    monkeypatch.setattr(theirs, "meta", {**theirs.meta, "filename": name, "md5": md5})
    return root


def write_svhn(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write both files, labels 1..10 as published, and let torchvision take their MD5 sums for the published ones."""
    root.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    splits = dict(datasets.SVHN.split_list)
    for split, count in (("train", 60), ("test", 20)):
        url, name, _ = splits[split]
        pixels = random.integers(256, size=(32, 32, 3, count), dtype=np.uint8)
        labels = (np.arange(count, dtype=np.uint8) % 10 + 1)[:, None]
        scipy.io.savemat(root / name, {"X": pixels, "y": labels})
        splits[split] = [url, name, hashlib.md5((root / name).read_bytes()).hexdigest()]
    monkeypatch.setattr(datasets.SVHN, "split_list", splits)
    return root
