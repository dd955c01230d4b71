"""EMNIST, all its splits: from files that are there, or downloaded through torchvision."""

from __future__ import annotations

from pathlib import Path
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Any, Literal

from torch import Tensor

from entreg.data.images.sets.idx_module import IdxDataModule

Split = Literal["letters", "balanced", "byclass", "bymerge", "digits", "mnist"]

# Lower-case letters that look like their capitals, and which some splits merge with them.
_LIKE_CAPITALS = frozenset("cijklmopsuvwxyz")
_MERGED = (*digits, *ascii_uppercase, *(letter for letter in ascii_lowercase if letter not in _LIKE_CAPITALS))
_CLASSES: dict[str, tuple[str, ...]] = {
    "letters": tuple(ascii_lowercase),
    "balanced": _MERGED,
    "bymerge": _MERGED,
    "byclass": (*digits, *ascii_uppercase, *ascii_lowercase),
    "digits": tuple(digits),
    "mnist": tuple(digits),
}


class EMNIST(IdxDataModule):
    """EMNIST (arXiv 1702.05373): handwritten letters and digits, 28x28 grey.

    =============  =======  ============================================================================
    split          classes
    =============  =======  ============================================================================
    ``letters``    26       letters, upper and lower case merged; labelled 1..26 in the files, 0..25 here
    ``balanced``   47       digits, capitals, and the lower-case letters that look unlike their capitals
    ``bymerge``    47       the same classes in their natural frequencies
    ``byclass``    62       digits, capitals, lower-case letters
    ``digits``     10       digits, as many of each
    ``mnist``      10       digits, as MNIST has them
    =============  =======  ============================================================================

    Reads ``<root>/EMNIST/raw/emnist-<split>-{train,test}-{images-idx3,labels-idx1}-ubyte``, plain or ``.gz``, the
    layout of :class:`torchvision.datasets.EMNIST`, which downloads them where they are absent.

    Args:
        split: which of the six data sets.
        upright: transpose the images, which EMNIST stores on their side, so that people can read them. The
            published results train on images as stored.
        kwargs: arguments of :class:`entreg.data.ImageDataModule`.

    Raises:
        DataError: if files are absent and cannot be downloaded, or are damaged.
    """

    folder = "EMNIST/raw"
    ink = True
    domain = "Latin script"

    def __init__(self, split: Split = "letters", upright: bool = False, **kwargs: Any) -> None:
        self.classes = _CLASSES[split]
        if split == "letters":
            self.default_mean, self.default_std = (0.1751,), (0.3324,)
            self.first_label = 1
        super().__init__(**kwargs)
        self.split = split
        self.upright = upright
        self.transposed = not upright

    def file_names(self, train: bool) -> tuple[str, str]:
        """Names of the image and the label file of the training or the test set."""
        stem = f"emnist-{self.split}-{'train' if train else 'test'}"
        return f"{stem}-images-idx3-ubyte", f"{stem}-labels-idx1-ubyte"

    @property
    def symbols(self) -> tuple[frozenset[str], ...]:
        """What each class stands for: where a split merges cases, both."""
        if self.split == "letters":
            return tuple(frozenset({name, name.upper()}) for name in self.classes)
        if self.split == "byclass":
            return super().symbols
        both = {letter.upper(): {letter, letter.upper()} for letter in _LIKE_CAPITALS}
        return tuple(frozenset(both.get(name, {name})) for name in self.classes)

    def download(self, root: Path, train: bool) -> None:
        """Download the archive of all splits and keep its files."""
        from torchvision import datasets  # seconds to import, needed once in the life of a root

        datasets.EMNIST(str(root), split=self.split, train=train, download=True)
        for archive in (root / self.folder).glob("*.zip"):
            archive.unlink()

    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return all images and classes of the training or the test file."""
        images, targets = super().load(train)
        return (images.mT.contiguous() if self.upright else images), targets
