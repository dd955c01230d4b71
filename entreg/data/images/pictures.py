"""A user's own pictures, brought to what a network was trained on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from entreg.data.images.decode import decode, read_picture
from entreg.data.images.find import SUFFIXES, find_pictures
from entreg.data.images.ink import Polarity, find_ink
from entreg.errors import DataError

_BOX = 24 / 28  # share of the side that a letter's longer side takes, as in EMNIST (arXiv 1702.05373)


def picture_files(path: Path) -> list[Path]:
    """Return the picture files in a folder and below it, hidden ones left out, or the one file given.

    Raises:
        DataError: if there is none.
    """
    if not path.exists():
        raise DataError(f"{path}: is not there, expected a picture or a folder of pictures")
    if path.is_file():
        return [path]
    if found := find_pictures(path):
        return found
    raise DataError(f"{path}: holds no picture ({', '.join(SUFFIXES)})")


def as_inputs(paths: Sequence[Path], data: Mapping[str, Any], polarity: Polarity = "auto") -> Tensor:
    """Bring pictures to what the run's network takes, ``(N, C, H, W)`` float32, normalised as in training.

    Args:
        paths: picture files.
        data: description of the run's data in its summary.
        polarity: ``"dark"`` or ``"light"`` ink, or ``"auto"``: whichever the border of the picture is not.

    Raises:
        DataError: if there is no file, the run was not trained on images, a file is not a whole picture, or nothing is
            on it.
    """
    check_takes_pictures(data)
    if not paths:
        raise DataError("no picture is given, expected one or more files")
    return normalised(torch.stack([as_input(path, data, polarity) for path in paths]), data)


def check_takes_pictures(data: Mapping[str, Any]) -> None:
    """Check that a run's network takes pictures.

    Args:
        data: description of the run's data in its summary.

    Raises:
        DataError: if it was trained on anything but square images.
    """
    if not {"image_shape", "mean", "std"} <= data.keys():
        raise DataError("the run was not trained on images, so it takes no pictures")
    _, height, width = data["image_shape"]
    if height != width:
        raise DataError(f"the run was trained on images of {height}x{width}, and pictures are brought to squares")


def normalised(images: Tensor, data: Mapping[str, Any]) -> Tensor:
    """Normalise uint8 images ``(N, C, H, W)`` as in training, to float32."""
    mean, std = (255 * torch.tensor(data[key], device=images.device).view(-1, 1, 1) for key in ("mean", "std"))
    return (images.float() - mean) / std


def as_input(path: Path, data: Mapping[str, Any], polarity: Polarity = "auto") -> Tensor:
    """Bring a picture to what the run's network was trained on, ``(C, H, W)`` uint8.

    Letters and digits (data sets of light ink on black): the ink, of full contrast on black, is cut out as
    :func:`entreg.data.images.ink.find_ink` finds it, scaled so that its longer side takes 24 of 28 pixels, centred, and
    transposed if the data set is stored on its side. All other pictures become squares as the training images did.

    Raises:
        DataError: if the file is not a whole picture, or nothing is on it.
    """
    channels, size, _ = data["image_shape"]
    if not data.get("ink"):
        return decode(path, channels, size, data.get("fit", "squeeze"))
    ink = find_ink(read_picture(path, 3), polarity)
    if ink is None:
        raise DataError(f"{path}: nothing is on it: expected a letter or digit, dark on light or light on dark")
    image = torch.from_numpy(_centred(ink, size)).unsqueeze(0)
    return image.mT.contiguous() if data.get("transposed") else image


def _centred(ink: NDArray[np.float32], size: int) -> NDArray[np.uint8]:
    """Lay ink in 0..1, its aspect kept, in the middle of a black square."""
    cut = Image.fromarray((255 * ink).round().astype(np.uint8))
    scale = _BOX * size / max(cut.size)
    width, height = (max(1, round(side * scale)) for side in cut.size)
    square = Image.new("L", (size, size))
    square.paste(cut.resize((width, height), Image.Resampling.BILINEAR), ((size - width) // 2, (size - height) // 2))
    return np.array(square, dtype=np.uint8)
