"""Colour photographs, through torchvision, which downloads them and checks their published MD5 sums at every start."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from entreg.data.images.augment import Augment, FlipCrop
from entreg.data.images.module import ImageDataModule
from entreg.data.kept import once
from entreg.data.store import fetch


class VisionDataModule(ImageDataModule):
    """A data set of 32x32 RGB images that torchvision reads.

    Args:
        augment: random change of training images; photographs are mirrored and shifted.
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    in_channels = 3
    image_size = 32
    domain = "photographs"

    def __init__(self, augment: Augment | None = FlipCrop(), **kwargs: Any) -> None:  # noqa: B008 - frozen
        super().__init__(augment=augment, **kwargs)

    @abstractmethod
    def dataset(self, train: bool, download: bool = False) -> Any:
        """Return torchvision's data set."""

    @abstractmethod
    def checksums(self, train: bool) -> dict[Path, str]:
        """Published MD5 sum of each file."""

    @abstractmethod
    def read(self, train: bool) -> tuple[Tensor, Tensor]:
        """Read all images and classes of the training or the test file."""

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return all images and classes of the training or the test file."""
        return once((type(self), train), self.files(train), lambda: self.read(train))

    def missing(self, train: bool) -> list[Path]:
        """Return the files that are absent or are not those that were published."""
        from torchvision.datasets.utils import check_integrity  # seconds to import

        return [path for path, md5 in self.checksums(train).items() if not check_integrity(path, md5)]

    def files(self, train: bool) -> list[Path]:
        """Return where the files are."""
        return list(self.checksums(train))

    def prepare(self, train: bool) -> None:
        """Download the files if any is absent or damaged; torchvision resumes from a whole archive only."""
        fetch(
            self.root,
            type(self).__name__,
            missing=lambda: self.missing(train),
            download=lambda stage: self.dataset(train, download=True),
            by_hand=f"put the files of {type(self).__name__} into {self.files(train)[0].parent} as they were published",
        )


class CIFAR10(VisionDataModule):
    """Photographs of ten kinds of things (Krizhevsky 2009): 50,000 and 10,000.

    Reads ``<root>/cifar-10-batches-py`` as torchvision leaves it.

    Args:
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    classes: tuple[str, ...] = (
        "airplane",
        "automobile",
        "bird",
        "cat",
        "deer",
        "dog",
        "frog",
        "horse",
        "ship",
        "truck",
    )
    default_mean = (0.4914, 0.4822, 0.4465)
    default_std = (0.2470, 0.2435, 0.2616)

    def dataset(self, train: bool, download: bool = False) -> Any:
        """Return torchvision's class of the same name."""
        from torchvision import datasets  # seconds to import

        return getattr(datasets, type(self).__name__)(str(self.root), train=train, download=download)

    def checksums(self, train: bool) -> dict[Path, str]:
        """MD5 sums that torchvision knows; it wants the files of both sets."""
        from torchvision import datasets

        theirs = getattr(datasets, type(self).__name__)
        folder = self.root / theirs.base_folder
        meta = (theirs.meta["filename"], theirs.meta["md5"])
        return {folder / name: md5 for name, md5 in (*theirs.train_list, *theirs.test_list, meta)}

    def read(self, train: bool) -> tuple[Tensor, Tensor]:
        """Read all images and classes of the training or the test file."""
        dataset = self.dataset(train)
        return torch.from_numpy(dataset.data).permute(0, 3, 1, 2).contiguous(), torch.tensor(dataset.targets)


class CIFAR100(CIFAR10):
    """Photographs of a hundred kinds of things (Krizhevsky 2009); files and arguments are those of :class:`CIFAR10`.

    Reads ``<root>/cifar-100-python``.
    """

    # fmt: off
    classes = (
        "apple", "aquarium_fish", "baby", "bear", "beaver", "bed", "bee", "beetle", "bicycle", "bottle", "bowl", "boy",
        "bridge", "bus", "butterfly", "camel", "can", "castle", "caterpillar", "cattle", "chair", "chimpanzee", "clock",
        "cloud", "cockroach", "couch", "crab", "crocodile", "cup", "dinosaur", "dolphin", "elephant", "flatfish",
        "forest", "fox", "girl", "hamster", "house", "kangaroo", "keyboard", "lamp", "lawn_mower", "leopard", "lion",
        "lizard", "lobster", "man", "maple_tree", "motorcycle", "mountain", "mouse", "mushroom", "oak_tree", "orange",
        "orchid", "otter", "palm_tree", "pear", "pickup_truck", "pine_tree", "plain", "plate", "poppy", "porcupine",
        "possum", "rabbit", "raccoon", "ray", "road", "rocket", "rose", "sea", "seal", "shark", "shrew", "skunk",
        "skyscraper", "snail", "snake", "spider", "squirrel", "streetcar", "sunflower", "sweet_pepper", "table", "tank",
        "telephone", "television", "tiger", "tractor", "train", "trout", "tulip", "turtle", "wardrobe", "whale",
        "willow_tree", "wolf", "woman", "worm",
    )
    # fmt: on
    default_mean = (0.5071, 0.4865, 0.4409)
    default_std = (0.2673, 0.2564, 0.2762)


class SVHN(VisionDataModule):
    """House numbers photographed in streets (Netzer et al. 2011): 73,257 and 26,032 digits.

    Reads ``<root>/{train,test}_32x32.mat``.

    Args:
        augment: random change of training images; digits are shifted, not mirrored.
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    classes = tuple("0123456789")
    domain = "house numbers"

    def __init__(self, augment: Augment | None = FlipCrop(flip_p=0), **kwargs: Any) -> None:  # noqa: B008 - frozen
        super().__init__(augment=augment, **kwargs)

    def dataset(self, train: bool, download: bool = False) -> Any:
        """Return torchvision's class."""
        from torchvision import datasets  # seconds to import

        return datasets.SVHN(str(self.root), split="train" if train else "test", download=download)

    def checksums(self, train: bool) -> dict[Path, str]:
        """MD5 sum that torchvision knows."""
        from torchvision import datasets

        _, name, md5 = datasets.SVHN.split_list["train" if train else "test"]
        return {self.root / name: md5}

    def read(self, train: bool) -> tuple[Tensor, Tensor]:
        """Read all images and classes of the training or the test file."""
        dataset = self.dataset(train)
        return torch.from_numpy(np.ascontiguousarray(dataset.data)), torch.from_numpy(dataset.labels)
