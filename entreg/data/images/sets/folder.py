"""A user's own images: a folder for each class."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from entreg.data.images.augment import Augment, FlipCrop
from entreg.data.images.crop import DecodeCrop
from entreg.data.images.decode import Fit
from entreg.data.images.files import ImageFiles
from entreg.data.images.find import SUFFIXES, find_pictures, is_hidden
from entreg.data.images.module import ImageDataModule
from entreg.data.images.shrunk import INDEX, Index, ShrunkImages
from entreg.data.images.stored import Form, LoadedImages, StoredImages
from entreg.data.splits import check_targets
from entreg.errors import ConfigError, DataError


class ImageFolder(ImageDataModule):
    """Images in ``<root>/train/<class>/`` and ``<root>/test/<class>/``, of any size, or a shrunken copy of them.

    Files are taken by their suffix (PNG, JPEG, BMP, GIF, TIFF, WebP, PGM, PPM); hidden ones, as macOS's ``._x.png``,
    are no images and hidden folders no classes. :func:`entreg.data.images.decode.read_picture` says how they are read.

    They are resized to a square and held in memory as uint8; where that would take more than
    ``max_resident_bytes``, each is read when a batch asks for it, with the same pixels and slower: give it workers
    then (``--data.num_workers``). Validation is drawn from the training images.

    With ``crop`` training reads each picture anew in every epoch and sees a random part of it, on top of which comes
    ``augment``, which then is best ``null``; validation, test and prediction see all of it.

    A copy that ``entreg data shrink`` has made holds the same pixels, ready to use in memory-mapped files, and has the
    fingerprints of the pictures it was made of; its ``image_size``, ``in_channels`` and ``fit`` have to be named here.

    Args:
        image_size: height and width to resize to.
        in_channels: 1 for grey, 3 for colour.
        fit: what becomes of pictures that are no squares: ``squeeze`` changes their aspect, ``crop`` takes the square
            in the middle, ``pad`` lays the whole picture in the middle of black.
        crop: random area and aspect of training images, see :class:`entreg.data.DecodeCrop`; ``null`` for none.
        max_resident_bytes: memory that the images of a set may take.
        augment: random change of training images. Folders mostly hold photographs, and mirrors and shifts change none
            beyond recognition: signs and letters take ``Warp``, or ``--data.augment.flip_p 0``, large photographs
            ``ResizedCrop``.
        kwargs: arguments of :class:`entreg.data.ImageDataModule`; ``root`` is the folder that holds train and test.

    Raises:
        ConfigError: if a number is out of range, or a shrunken copy is of another form.
        DataError: if a folder is absent or empty, the test images have a class that training lacks, a file is not
            a whole image, or a copy is not whole.
    """

    def __init__(
        self,
        root: str,
        image_size: int = 32,
        in_channels: Literal[1, 3] = 3,
        fit: Fit = "squeeze",
        crop: DecodeCrop | None = None,
        max_resident_bytes: int = 4 * 2**30,
        augment: Augment | None = FlipCrop(),  # noqa: B008 - frozen
        **kwargs: Any,
    ) -> None:
        if image_size < 1:
            raise ConfigError(f"data.image_size is a number >= 1, got {image_size}")
        self.image_size: int = image_size
        self.in_channels = in_channels
        self.fit = fit
        self.crop = crop
        super().__init__(root=root, augment=augment, **kwargs)
        self.max_resident_bytes = max_resident_bytes
        self.form = Form(in_channels, image_size, fit)
        self._copy = Index.read(self.root) if (self.root / INDEX).exists() else None
        if self._copy is None:
            self.classes = tuple(folder.name for folder in _folders(self.root / "train"))
            if not self.classes:
                raise DataError(f"{self.root / 'train'}: holds no folder; --data.root holds train/<class>/*.png")
        else:
            self.classes = tuple(self._copy.classes)
            _check_form(self.root, self._copy.form, self.form)

    @property
    def description(self) -> dict[str, Any]:
        """What images a network trained on these data expects, and how pictures are brought to that."""
        return {**super().description, "fit": self.fit}

    @property
    def training_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the images that training sees."""
        size = self.image_size if self.crop is None else self.crop.size or self.image_size
        return (self.in_channels, size, size)

    def open(self, train: bool) -> StoredImages | LoadedImages:
        """Find the images of the training or the test set, and keep them in memory if they fit and are used whole."""
        stored = self.stored(train)
        if stored.nbytes <= self.max_resident_bytes and not stored.varies:
            return LoadedImages(stored)
        stored.check()
        return stored

    def stored(self, train: bool) -> StoredImages:
        """Find the images of the training or the test set on disk."""
        part = "train" if train else "test"
        crop = self.crop if train else None
        if self._copy is not None:
            return ShrunkImages(self.root, self.form, self._copy.parts[part], crop, self.seed)
        folder = self.root / part
        unknown = [path.name for path in _folders(folder) if path.name not in self.classes]
        if unknown:
            raise DataError(f"{folder}: has class {unknown[0]!r}, which {self.root / 'train'} has not")
        found = [find_pictures(folder / name) for name in self.classes]
        targets = torch.arange(self.num_classes).repeat_interleave(torch.tensor([len(paths) for paths in found]))
        paths = [path for of_class in found for path in of_class]
        check_targets(targets, len(paths), self.num_classes, str(folder))
        if train and [] in found:
            raise DataError(f"{folder / self.classes[found.index([])]}: holds no image ({', '.join(SUFFIXES)})")
        return ImageFiles(paths, targets, folder, self.form, crop, self.seed)

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return all images and classes of the training or the test set."""
        images = self.open(train)
        return images[torch.arange(len(images))][:2]


def _check_form(root: Path, copy: Form, asked: Form) -> None:
    if copy != asked:
        raise ConfigError(
            f"{root}: is a copy of {copy.channels}x{copy.size}x{copy.size} (fit {copy.fit}), and "
            f"{asked.channels}x{asked.size}x{asked.size} (fit {asked.fit}) is asked for: give --data.in_channels "
            f"{copy.channels} --data.image_size {copy.size} --data.fit {copy.fit}, or shrink the pictures again"
        )


def _folders(root: Path) -> list[Path]:
    """Return the folders below ``root`` in the order of their names."""
    if root.is_dir():
        return sorted(path for path in root.iterdir() if path.is_dir() and not is_hidden(path.name))
    if any(root.parent.glob("train-*.npy")):
        raise DataError(f"{root.parent}: is an unfinished copy: entreg data shrink, called as before, goes on with it")
    raise DataError(f"{root}: is absent; --data.root holds train/<class>/*.png and test/<class>/*.png")
