"""EMNIST-Letters: from files that are there, or downloaded through torchvision."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from torch import Tensor

from entreg.data.base import ImageDataModule
from entreg.data.idx import read_idx
from entreg.errors import DataError


class EMNIST(ImageDataModule):
    """EMNIST-Letters (arXiv 1702.05373): 26 letters, cases merged, 28x28 grey, targets 0..25.

    Reads ``<root>/EMNIST/raw/emnist-letters-{train,test}-{images-idx3,labels-idx1}-ubyte``, the layout of
    :class:`torchvision.datasets.EMNIST`, which downloads them where they are absent.

    Args:
        split: only ``"letters"``.
        upright: transpose the images, which EMNIST stores on their side, so that people can read them. The
            published results train on images as stored.
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    classes = tuple("abcdefghijklmnopqrstuvwxyz")
    default_mean = (0.1751,)
    default_std = (0.3324,)

    def __init__(self, split: Literal["letters"] = "letters", upright: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.split = split
        self.upright = upright

    def prepare_data(self) -> None:
        """Download the files if any is absent."""
        absent = [path for train in (True, False) for path in self._files(train) if not path.is_file()]
        if not absent:
            return
        from torchvision import datasets  # seconds to import, needed once in the life of a root

        try:
            datasets.EMNIST(str(self.root), split=self.split, train=absent[0] in self._files(True), download=True)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"{absent[0]} is absent and could not be downloaded ({error}): put the four emnist-letters IDX files "
                f"into {absent[0].parent}, or name their root with --data.root or ENTREG_DATA, or run on embedded "
                "data: entreg fit --config configs/quickstart.yaml"
            ) from error

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return all images and classes of the training or the test file."""
        image_file, label_file = self._files(train)
        images, labels = read_idx(image_file, ndim=3), read_idx(label_file, ndim=1)
        if self.upright:
            images = images.mT.contiguous()
        return images.unsqueeze(1), labels.long() - 1  # letters are labelled 1..26

    def _files(self, train: bool) -> tuple[Path, Path]:
        stem = f"emnist-{self.split}-{'train' if train else 'test'}"
        folder = self.root / "EMNIST" / "raw"
        return folder / f"{stem}-images-idx3-ubyte", folder / f"{stem}-labels-idx1-ubyte"
