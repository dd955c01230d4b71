"""From a picture in a file to uint8 pixels: one way, for training and for prediction."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from PIL import Image, ImageOps
from PIL.TiffImagePlugin import PHOTOMETRIC_INTERPRETATION, TiffImageFile
from torch import Tensor

from entreg.errors import DataError

Fit = Literal["squeeze", "crop", "pad"]
_SQUARE: dict[Fit, Callable[[Image.Image, tuple[int, int], Image.Resampling], Image.Image]] = {
    "squeeze": Image.Image.resize,
    "crop": ImageOps.fit,
    "pad": ImageOps.pad,
}
# What Pillow raises of files that are no pictures, or broken.
UNREADABLE = OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError

_SIXTEEN_BITS = {("I", "PNG"), ("I", "PPM")}  # modes of 32-bit integers that Pillow gives to files of 16 bits
_WHITE_IS_ZERO = 0  # of TIFF's photometric interpretations
_WHITES = {"I": (255, 65535), "F": (1, 255)}  # of levels that say no depth: white is the first that none exceeds


def decode(path: Path, channels: int, size: int, fit: Fit = "squeeze") -> Tensor:
    """Read a picture and bring it to a square, ``(channels, size, size)`` uint8.

    Args:
        path: of the file.
        channels: 1 for grey, 3 for RGB.
        size: height and width.
        fit: what becomes of a picture that is no square: ``"squeeze"`` changes its aspect, ``"crop"`` takes the square
            in its middle, ``"pad"`` lays it in the middle of black.

    Raises:
        DataError: as :func:`read_picture`.
    """
    square = _SQUARE[fit](read_picture(path, channels), (size, size), Image.Resampling.BILINEAR)
    return torch.from_numpy(np.array(square)).view(size, size, channels).permute(2, 0, 1)


def read_picture(path: Path, channels: int) -> Image.Image:
    """Read a picture, upright as its EXIF tag says, with white behind what is transparent; of several frames the first.

    Levels of 16 bits are divided by 257. Of 32-bit integers and floats, which say no depth, those in 0..1 (floats) or
    0..65535 (integers) are scaled to 0..255, and those of a picture that lie in 0..255 are taken as they are.

    Args:
        path: of the file.
        channels: 1 for grey (the luma of colours), 3 for RGB.

    Returns:
        a picture of mode ``L`` or ``RGB``; ``numpy.asarray`` makes of it ``(H, W)`` or ``(H, W, 3)`` uint8.

    Raises:
        DataError: if it is not a whole image file, or its levels lie elsewhere.
    """
    try:
        with Image.open(path) as file:
            image = ImageOps.exif_transpose(file)
            if image.mode.startswith(("I", "F")):
                sixteen_bits = image.mode.startswith("I;16") or (image.mode, file.format) in _SIXTEEN_BITS
                image = _in_8_bits(image, (65535,) if sixteen_bits else _WHITES[image.mode])
                if isinstance(file, TiffImageFile) and file.tag_v2.get(PHOTOMETRIC_INTERPRETATION) == _WHITE_IS_ZERO:
                    image = ImageOps.invert(image)  # which Pillow does of 8 bits or fewer alone
            return _on_white(image).convert("L" if channels == 1 else "RGB")
    except UNREADABLE as error:
        raise DataError(f"{path}: is not a whole image file ({error}); replace or remove it") from error


def _in_8_bits(image: Image.Image, whites: tuple[int, ...]) -> Image.Image:
    levels = np.asarray(image)
    low, high = levels.min(), levels.max()
    white = next((white for white in whites if low >= 0 and high <= white), None)
    if white is None:
        ranges = " or ".join(f"0..{white}" for white in whites)
        raise ValueError(f"its levels go from {low:g} to {high:g}, expected {ranges}")
    pixels = (levels * (255 / white)).round().astype(np.uint8)
    if "transparency" in image.info:
        pixels[levels == image.info["transparency"]] = 255
    return Image.fromarray(pixels)


def _on_white(image: Image.Image) -> Image.Image:
    if image.mode not in ("RGBA", "LA", "PA", "RGBa", "La") and "transparency" not in image.info:
        return image
    image = image.convert("RGBA")
    return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
