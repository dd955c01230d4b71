"""Data sets that come as four IDX files: MNIST and its relatives."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from torch import Tensor

from entreg.data.base import ImageDataModule
from entreg.data.idx import read_idx
from entreg.errors import DataError


class IdxDataModule(ImageDataModule):
    """Images and labels in IDX files, plain or gzipped, in torchvision's layout or side by side in the root.

    A subclass names the files and downloads them through torchvision where they are absent.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    folder: str  # below the root, as torchvision has it
    first_label: int = 0

    @abstractmethod
    def file_names(self, train: bool) -> tuple[str, str]:
        """Names of the image and the label file of the training or the test set."""

    @abstractmethod
    def download(self, train: bool) -> None:
        """Download the files into the root through torchvision, those of the training or the test set at least."""

    def prepare_data(self) -> None:
        """Download the files if any is absent."""
        absent = [(name, train) for train in (True, False) for name in self.file_names(train) if not self._find(name)]
        if not absent:
            return
        name, train = absent[0]
        path = self.root / self.folder / name
        try:
            self.download(train)
        except (OSError, RuntimeError) as error:
            raise DataError(
                f"{path} is absent and could not be downloaded ({error}): put the four IDX files of "
                f"{type(self).__name__}, plain or .gz, into {path.parent}, or name their root with --data.root or "
                "ENTREG_DATA, or run on embedded data: entreg fit --config configs/quickstart.yaml"
            ) from error

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return all images and classes of the training or the test file."""
        images, labels = (
            read_idx(self._find(name) or self.root / self.folder / name, ndim)
            for name, ndim in zip(self.file_names(train), (3, 1), strict=True)
        )
        return images.unsqueeze(1), labels.long() - self.first_label

    def _find(self, name: str) -> Path | None:
        """Return the file where it lies, preferring torchvision's place and no compression."""
        places = [folder / (name + suffix) for folder in (self.root / self.folder, self.root) for suffix in ("", ".gz")]
        return next((place for place in places if place.is_file()), None)
