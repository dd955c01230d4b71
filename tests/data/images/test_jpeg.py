"""Training and prediction see one picture: torchvision's pixels of a JPEG are Pillow's, all else is read by Pillow."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from entreg.data.images.decode import read_picture
from entreg.data.images.jpeg import read_pixels
from entreg.errors import DataError

NOISE = Image.fromarray(np.random.default_rng(0).integers(256, size=(12, 17, 3), dtype=np.uint8))
PHOTO = NOISE.resize((170, 121), Image.Resampling.BICUBIC)


def sideways(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    PHOTO.save(path, exif=exif)


KINDS: dict[str, Callable[[Path], object]] = {
    "4-4-4.jpg": lambda path: PHOTO.save(path, quality=95, subsampling=0),
    "4-2-0.jpg": lambda path: PHOTO.save(path, quality=30, subsampling=2),
    "4-2-2-progressive.jpg": lambda path: PHOTO.save(path, progressive=True, subsampling=1),
    "tiny.jpg": lambda path: NOISE.resize((1, 3)).save(path),
    "grey.jpg": lambda path: PHOTO.convert("L").save(path),
    "cmyk.jpg": lambda path: PHOTO.convert("CMYK").save(path),
    "sideways.jpg": sideways,
    "a-png.jpg": lambda path: PHOTO.save(path, "PNG"),
    "colours.png": lambda path: PHOTO.save(path),
    "clear.png": lambda path: PHOTO.convert("RGBA").save(path),
}


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("kind", KINDS)
def test_pixels_are_those_of_pillow(kind: str, channels: int, tmp_path: Path) -> None:
    KINDS[kind](tmp_path / kind)
    expected = np.asarray(read_picture(tmp_path / kind, channels))
    found = read_pixels(tmp_path / kind, channels).permute(1, 2, 0).numpy()
    assert np.array_equal(found, expected.reshape(found.shape))


def test_a_broken_picture_is_named_in_one_line(tmp_path: Path) -> None:
    PHOTO.save(tmp_path / "a.jpg")
    whole = (tmp_path / "a.jpg").read_bytes()
    for content in (whole[: len(whole) // 2], whole[:30], b""):
        (tmp_path / "a.jpg").write_bytes(content)
        with pytest.raises(DataError, match=r"a.jpg: is not a whole image file") as caught:
            read_pixels(tmp_path / "a.jpg", 3)
        assert "\n" not in str(caught.value)
