"""A shrunken copy of an image folder: pixels ready to use in memory-mapped shards, and an index of what they are."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from entreg.data.images.crop import DecodeCrop
from entreg.data.images.stored import Form, StoredImages
from entreg.errors import DataError
from entreg.files import sha256_of

INDEX = "shrunk.json"
_AGAIN = "entreg data shrink DIR --size SIZE, as at first, writes it anew"


@dataclass(frozen=True)
class Shard:
    """A file of images, ``(images, size, size, channels)`` uint8 as ``numpy.save`` writes it.

    Args:
        file: its name.
        images: their number.
        sha256: of the file.
    """

    file: str
    images: int
    sha256: str

    def opened(self, folder: Path, form: Form) -> NDArray[np.uint8]:
        """Map the file into memory, without reading it.

        Raises:
            DataError: if it is absent, cut off, or holds anything else.
        """
        path, shape = folder / self.file, (self.images, form.size, form.size, form.channels)
        try:
            images = np.load(path, mmap_mode="r")
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: is not a whole shard ({error}); {_AGAIN}") from error
        if images.shape != shape or images.dtype != np.uint8:
            raise DataError(f"{path}: holds {images.dtype} of {images.shape}, expected uint8 of {shape}; {_AGAIN}")
        return images

    def is_intact(self, folder: Path) -> bool:
        """Read the whole file and tell whether it is what was written."""
        path = folder / self.file
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return sha256_of(file, path.stat().st_size) == self.sha256


@dataclass(frozen=True)
class Part:
    """The training or the test set of a copy.

    Args:
        counts: number of images of each class; they lie in the order of the classes.
        traces: of each picture that the copy was made of, see :attr:`StoredImages.traces`.
        shards: the images.
    """

    counts: Sequence[int]
    traces: Sequence[str]
    shards: Sequence[Shard]


@dataclass(frozen=True)
class Index:
    """What a shrunken copy holds, as ``shrunk.json`` in it says.

    Args:
        form: of its images.
        classes: their names.
        parts: ``train`` and ``test``.
    """

    form: Form
    classes: Sequence[str]
    parts: dict[str, Part]

    def as_json(self) -> dict[str, Any]:
        """Return the content of the file."""
        return asdict(self)

    @classmethod
    def read(cls, folder: Path) -> Index:
        """Read it from a copy.

        Raises:
            DataError: if it is not there or damaged.
        """
        path = folder / INDEX
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
            parts = {
                name: Part(part["counts"], part["traces"], [Shard(**shard) for shard in part["shards"]])
                for name, part in content["parts"].items()
            }
            return cls(Form(**content["form"]), tuple(content["classes"]), parts)
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise DataError(
                f"{path}: is not the index of a shrunken copy ({error!r}); remove {folder}, and shrink anew"
            ) from error


class ShrunkImages(StoredImages):
    """Images of a shrunken copy, gathered from memory-mapped shards.

    Args:
        folder: of the copy.
        form: of its images.
        part: which of them.
        crop: of training images, or ``None``.
        seed: seed of the crops.
    """

    def __init__(self, folder: Path, form: Form, part: Part, crop: DecodeCrop | None = None, seed: int = 0) -> None:
        super().__init__(torch.arange(len(part.counts)).repeat_interleave(torch.tensor(part.counts)), form, crop, seed)
        self.folder = folder
        self.shards = part.shards
        self._traces = part.traces
        self._ends = list(accumulate(shard.images for shard in part.shards))
        self._opened: list[NDArray[np.uint8]] | None = None

    @property
    def paths(self) -> list[Path]:
        """The shards."""
        return [self.folder / shard.file for shard in self.shards]

    @property
    def traces(self) -> Sequence[str]:
        """Of each picture that the copy was made of: the copy has the fingerprint of the pictures."""
        return self._traces

    def check(self) -> None:
        """Open every shard.

        Raises:
            DataError: if one is absent or cut off, or there are not as many images as the index says.
        """
        opened = [shard.opened(self.folder, self.form) for shard in self.shards]
        images = sum(map(len, opened))
        if not images == len(self.targets) == len(self._traces):
            raise DataError(f"{self.folder / INDEX}: counts {len(self.targets)} images, shards hold {images}; {_AGAIN}")
        self._opened = opened

    def check_content(self) -> None:
        """Read every shard whole.

        Raises:
            DataError: if one is not what was written.
        """
        self.check()
        for shard in self.shards:
            if not shard.is_intact(self.folder):
                raise DataError(f"{self.folder / shard.file}: is not what was written (SHA-256); {_AGAIN}")

    def decoded(self, ids: Tensor) -> Tensor:
        """Gather images, ``(M, channels, size, size)`` uint8, channels last in memory."""
        images = np.empty((len(ids), self.form.size, self.form.size, self.form.channels), np.uint8)
        for row, i in enumerate(ids.tolist()):
            images[row] = self._image(i)
        return torch.from_numpy(images).permute(0, 3, 1, 2)

    def picture(self, i: int) -> Tensor:
        """Copy an image to be cropped."""
        return torch.from_numpy(np.array(self._image(i))).permute(2, 0, 1)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None}  # pickled, a mapped file would be its content

    def _image(self, i: int) -> NDArray[np.uint8]:
        if self._opened is None:
            self.check()
        assert self._opened is not None
        shard = bisect_right(self._ends, i)
        return self._opened[shard][i - self._ends[shard]]  # counted from the shard's end
