"""MNIST and the data sets made in its image: 28x28 grey, ten classes, 60,000 and 10,000 images."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from entreg.data.images.augment import Augment, FlipCrop
from entreg.data.images.sets.idx import read_idx
from entreg.data.images.sets.idx_module import IdxDataModule


class MNIST(IdxDataModule):
    """Handwritten digits (LeCun et al. 1998).

    Reads ``<root>/MNIST/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte``, plain or ``.gz``, or the same files in
    ``<root>`` itself, and downloads them through torchvision where they are absent.

    Args:
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    folder = "MNIST/raw"
    ink = True
    domain = "Latin script"
    classes = tuple("0123456789")
    default_mean: tuple[float, ...] | None = (0.1307,)
    default_std: tuple[float, ...] | None = (0.3081,)

    def file_names(self, train: bool) -> tuple[str, str]:
        """Names that all of the family share."""
        stem = "train" if train else "t10k"
        return f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"

    def download(self, root: Path, train: bool) -> None:
        """Download through the torchvision class of the same name."""
        from torchvision import datasets  # seconds to import, needed once in the life of a root

        getattr(datasets, type(self).__name__)(str(root), train=train, download=True)

    def checksums(self, train: bool) -> dict[Path, str]:
        """MD5 sums that torchvision knows, of files that are still packed."""
        from torchvision import datasets

        resources = getattr(datasets, type(self).__name__).resources
        published = dict(resources) if isinstance(resources, list) else {}
        return {path: published[path.name] for path in self.files(train) if path.name in published}


class FashionMNIST(MNIST):
    """Articles of clothing (Xiao et al. 2017, arXiv 1708.07747); files and arguments are those of :class:`MNIST`.

    Debian's package ``dataset-fashion-mnist`` puts them where ``--data.root /usr/share/datasets/fashion-mnist`` finds
    them.

    Args:
        augment: random change of training images; clothes are mirrored and shifted on their black ground.
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.
    """

    folder = "FashionMNIST/raw"
    ink = False
    domain = "clothing"
    classes = ("t-shirt", "trouser", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "ankle boot")
    default_mean = (0.2860,)
    default_std = (0.3530,)

    def __init__(
        self,
        augment: Augment | None = FlipCrop(padding_mode="zeros"),  # noqa: B008 - frozen
        **kwargs: Any,
    ) -> None:
        super().__init__(augment=augment, **kwargs)


class KMNIST(MNIST):
    """Cursive Japanese (Clanuwat et al. 2018, arXiv 1812.01718); files and arguments are those of :class:`MNIST`.

    The classes are hiragana in their usual Latin spelling.
    """

    folder = "KMNIST/raw"
    domain = "Japanese script"
    classes = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
    default_mean = None
    default_std = None

    @property
    def symbols(self) -> tuple[frozenset[str], ...]:
        """The hiragana: "o" is not the letter o."""
        return tuple(frozenset({f"hiragana {name}"}) for name in self.classes)


class QMNIST(MNIST):
    """MNIST rebuilt from its sources (Yadav and Bottou 2019, arXiv 1905.10498): 60,000 and 60,000 digits.

    Reads ``<root>/QMNIST/raw/qmnist-{train,test}-{images-idx3-ubyte,labels-idx2-int}``, plain or ``.gz``.

    Args:
        test: which of its test images are the test set: ``"test10k"``, the rebuilt test set of MNIST, the 50,000 that
            MNIST left out, or all.
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    folder = "QMNIST/raw"

    def __init__(self, test: Literal["test10k", "test50k", "test"] = "test10k", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.test = test

    def file_names(self, train: bool) -> tuple[str, str]:
        """Names of the image and the label file."""
        stem = f"qmnist-{'train' if train else 'test'}"
        return f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx2-int"

    def read_labels(self, path: Path) -> Tensor:
        """Read the class, first of the eight numbers that QMNIST keeps of each digit."""
        return read_idx(path, 2, torch.int32)[:, 0].long()

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return all images and classes of the training file or of the part of the test file that is asked for."""
        images, targets = super().load(train)
        part = {"test10k": slice(10_000), "test50k": slice(10_000, None), "test": slice(None)}[self.test]
        return (images, targets) if train else (images[part], targets[part])
