"""What a data set is: its classes, its files, its images. Nothing of how it is trained on."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path

from torch import Tensor

from entreg.data.splits import check_targets

_FILE = {True: "training file", False: "test file"}


def data_root(root: str | None) -> Path:
    """Folder of the data: the one given, else the environment variable ``ENTREG_DATA``, else ``./data``."""
    return Path(root or os.environ.get("ENTREG_DATA") or "data")


class ImageSource:
    """A data set of a training and a test file of uint8 images.

    Attributes:
        classes: names of the classes, as people know them.
        in_channels: channels of the images.
        image_size: height and width, for networks that have to know; ``None`` where a subclass does not say.
        transposed: whether the images are stored on their side.
        ink: whether they show letters or digits in light ink on black, fitted into 24 of 28 pixels.
        domain: what the images are of, apart from their classes: sets of one domain are near, others far.
        flat: whether files may lie in the root itself, where sets whose files share names cannot be told apart.
    """

    classes: tuple[str, ...]
    in_channels: int = 1
    image_size: int | None = None
    transposed: bool = False
    ink: bool = False
    domain: str = ""
    flat: bool = True
    default_mean: tuple[float, ...] | None = None
    default_std: tuple[float, ...] | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def symbols(self) -> tuple[frozenset[str], ...]:
        """Label space: what each class stands for, ``{"a", "A"}`` where upper and lower case are merged.

        Two sets of data share classes where they share symbols, whatever they call them.
        """
        return tuple(frozenset({name}) for name in self.classes)

    @abstractmethod
    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return images ``(N, C, H, W)`` uint8 and classes ``(N,)`` int64 of the training or the test file."""

    def missing(self, train: bool) -> list[Path]:
        """Return where the files of the training or the test set should be that are absent; here: none."""
        return []

    def files(self, train: bool) -> list[Path]:
        """Return where the files of the training or the test set are; here: none."""
        return []

    def checksums(self, train: bool) -> dict[Path, str]:
        """Return the MD5 sum of each file that is here and has one that was published; here: none."""
        return {}

    def prepare(self, train: bool) -> None:
        """Fetch the training or the test file where it is absent; here: nothing to fetch."""

    def checked(self, train: bool) -> tuple[Tensor, Tensor]:
        """Load the training or the test file.

        Raises:
            DataError: if its images and labels do not fit together or the classes.
        """
        images, targets = self.load(train)
        check_targets(targets, len(images), self.num_classes, f"{type(self).__name__} {_FILE[train]}")
        return images, targets
