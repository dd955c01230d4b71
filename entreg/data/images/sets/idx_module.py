"""Data sets that come as IDX files: MNIST and its relatives."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

from torch import Tensor
from typing_extensions import Self

from entreg.data.images.module import ImageDataModule
from entreg.data.images.sets.idx import read_idx
from entreg.data.store import fetch
from entreg.errors import DataError


class IdxDataModule(ImageDataModule):
    """Images and labels in IDX files, plain or gzipped, in torchvision's layout or side by side in the root.

    A subclass names the files and downloads them through torchvision where they are absent.

    Attributes:
        folder: of the files below the root, as torchvision has it.
        first_label: label of the first class in the files.
        flat: whether files may lie in the root itself, where sets whose files share names cannot be told apart.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    folder: str
    first_label: int = 0
    flat: bool = True
    image_size = 28

    @classmethod
    def in_own_folder(cls, **options: Any) -> Self:
        """Make the data set with files in torchvision's place alone."""
        data = super().in_own_folder(**options)
        data.flat = False
        return data

    @abstractmethod
    def file_names(self, train: bool) -> tuple[str, str]:
        """Names of the image and the label file of the training or the test set."""

    @abstractmethod
    def download(self, root: Path, train: bool) -> None:
        """Download the files below ``root`` through torchvision, those of the training or the test set at least."""

    def missing(self, train: bool) -> list[Path]:
        """Return where the files should be that are absent."""
        return [self.root / self.folder / name for name in self.file_names(train) if not self._find(name)]

    def prepare(self, train: bool) -> None:
        """Download the files if any is absent."""
        fetch(
            self.root,
            type(self).__name__,
            missing=lambda: self.missing(train),
            download=lambda stage: self.download(stage, train),
            by_hand=f"put the four IDX files of {type(self).__name__}, plain or .gz, into {self.root / self.folder}",
        )

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return all images and classes of the training or the test file."""
        images, labels = self.file_names(train)
        pixels, targets = read_idx(self._path(images), 3), self.read_labels(self._path(labels))
        if pixels.shape[1:] != (self.image_size, self.image_size):
            raise DataError(
                f"{self._path(images)}: holds images of {pixels.shape[1]}x{pixels.shape[2]}, expected "
                f"{self.image_size}x{self.image_size}; delete it and fetch it again"
            )
        return pixels.unsqueeze(1), targets - self.first_label

    def read_labels(self, path: Path) -> Tensor:
        """Read a label file, ``(N,)`` int64."""
        return read_idx(path, 1).long()

    def files(self, train: bool) -> list[Path]:
        """Return where the files are."""
        return [self._path(name) for name in self.file_names(train)]

    def _path(self, name: str) -> Path:
        return self._find(name) or self.root / self.folder / name

    def _find(self, name: str) -> Path | None:
        """Return the file where it lies, preferring torchvision's place and no compression."""
        folders = (self.root / self.folder, self.root) if self.flat else (self.root / self.folder,)
        places = [folder / (name + suffix) for folder in folders for suffix in ("", ".gz")]
        return next((place for place in places if place.is_file()), None)
