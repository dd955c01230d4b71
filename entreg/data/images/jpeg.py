"""Pixels of picture files for training, JPEG by torchvision's decoder: the same pixels in two thirds of the time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from PIL import ExifTags, Image
from torch import Tensor
from torchvision.io import ImageReadMode, decode_jpeg

from entreg.data.images.decode import UNREADABLE, read_picture

_MODES = {("RGB", 3): ImageReadMode.RGB, ("L", 3): ImageReadMode.RGB, ("L", 1): ImageReadMode.GRAY}


def read_pixels(path: Path, channels: int) -> Tensor:
    """Read a picture to the pixels that :func:`entreg.data.images.decode.read_picture` gives, which reads all others.

    torchvision reads RGB and grey JPEG that lie upright, with the same library and settings as Pillow does. It does not
    read colours to grey, where its luma is another.

    Args:
        path: of the file.
        channels: 1 for grey, 3 for RGB.

    Returns:
        ``(channels, H, W)`` uint8, in memory as ``(H, W, channels)``.

    Raises:
        DataError: as ``read_picture``.
    """
    pixels = _plain_jpeg(path, channels)
    if pixels is None:
        picture = read_picture(path, channels)
        pixels = torch.from_numpy(np.array(picture)).view(picture.height, picture.width, channels).permute(2, 0, 1)
    return pixels


def _plain_jpeg(path: Path, channels: int) -> Tensor | None:
    """Decode an upright RGB or grey JPEG; ``None``: it is none, or broken, which Pillow finds words for."""
    try:
        with Image.open(path) as file:
            mode = _MODES.get((file.mode, channels))
            if file.format != "JPEG" or mode is None or file.getexif().get(ExifTags.Base.Orientation, 1) != 1:
                return None
        return decode_jpeg(torch.from_numpy(np.fromfile(path, np.uint8)), mode=mode)
    except (*UNREADABLE, RuntimeError):
        return None
