"""A user's own images: a folder for each class."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from entreg.data.images.augment import Augment, FlipCrop
from entreg.data.images.decode import Fit
from entreg.data.images.files import DecodedFiles, ImageFiles
from entreg.data.images.find import SUFFIXES, find_pictures, is_hidden
from entreg.data.images.module import ImageDataModule
from entreg.data.splits import check_targets
from entreg.errors import ConfigError, DataError


class ImageFolder(ImageDataModule):
    """Images in ``<root>/train/<class>/`` and ``<root>/test/<class>/``, of any size.

    Files are taken by their suffix (PNG, JPEG, BMP, GIF, TIFF, WebP, PGM, PPM); hidden ones, as macOS's ``._x.png``,
    are no images and hidden folders no classes. :func:`entreg.data.images.decode.read_picture` says how they are read.

    They are resized to a square and held in memory as uint8; where that would take more than
    ``max_resident_bytes``, each is read when a batch asks for it, with the same pixels and slower: give it workers
    then (``--data.num_workers``). Validation is drawn from the training images, as for all data sets.

    Args:
        image_size: height and width to resize to.
        in_channels: 1 for grey, 3 for colour.
        fit: what becomes of pictures that are no squares: ``squeeze`` changes their aspect, ``crop`` takes the square
            in the middle, ``pad`` lays the whole picture in the middle of black.
        max_resident_bytes: memory that the images of a set may take.
        augment: random change of training images. Folders mostly hold photographs, and mirrors and shifts change none
            beyond recognition: signs and letters take ``Warp``, or ``--data.augment.flip_p 0``, large photographs
            ``ResizedCrop``.
        kwargs: arguments of :class:`entreg.data.ImageDataModule`; ``root`` is the folder that holds train and test.

    Raises:
        ConfigError: if a number is out of range.
        DataError: if a folder is absent or empty, the test images have a class that training lacks, or a file is not
            a whole image.
    """

    def __init__(
        self,
        root: str,
        image_size: int = 32,
        in_channels: Literal[1, 3] = 3,
        fit: Fit = "squeeze",
        max_resident_bytes: int = 4 * 2**30,
        augment: Augment | None = FlipCrop(),  # noqa: B008 - frozen
        **kwargs: Any,
    ) -> None:
        if image_size < 1:
            raise ConfigError(f"data.image_size is a number >= 1, got {image_size}")
        self.image_size: int = image_size
        self.in_channels = in_channels
        self.fit = fit
        super().__init__(root=root, augment=augment, **kwargs)
        self.max_resident_bytes = max_resident_bytes
        self.classes = tuple(folder.name for folder in _folders(self.root / "train"))

    @property
    def description(self) -> dict[str, Any]:
        """What images a network trained on these data expects, and how pictures are brought to that."""
        return {**super().description, "fit": self.fit}

    def open(self, train: bool) -> ImageFiles | DecodedFiles:
        """Find the images of the training or the test set, and keep them in memory if they fit."""
        folder = self.root / ("train" if train else "test")
        unknown = [path.name for path in _folders(folder) if path.name not in self.classes]
        if unknown:
            raise DataError(f"{folder}: has class {unknown[0]!r}, which {self.root / 'train'} has not")
        found = [find_pictures(folder / name) for name in self.classes]
        targets = torch.arange(self.num_classes).repeat_interleave(torch.tensor([len(paths) for paths in found]))
        paths = [path for of_class in found for path in of_class]
        check_targets(targets, len(paths), self.num_classes, str(folder))
        if train and [] in found:
            raise DataError(f"{folder / self.classes[found.index([])]}: holds no image ({', '.join(SUFFIXES)})")
        files = ImageFiles(paths, targets, folder, self.in_channels, self.image_size, self.fit)
        if files.nbytes <= self.max_resident_bytes:
            return DecodedFiles(files)
        files.check()
        return files

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return all images and classes of the training or the test set."""
        images = self.open(train)
        return images[torch.arange(len(images))][:2]


def _folders(root: Path) -> list[Path]:
    """Return the folders below ``root`` in the order of their names."""
    if not root.is_dir():
        raise DataError(f"{root}: is absent; --data.root holds train/<class>/*.png and test/<class>/*.png")
    return sorted(path for path in root.iterdir() if path.is_dir() and not is_hidden(path.name))
