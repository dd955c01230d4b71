"""One decoder: every kind of pixel that files hold becomes the uint8 that people see."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from entreg.data.images.decode import decode, read_picture
from entreg.errors import DataError

RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16)
GREY = Image.fromarray(RAMP)
WITHOUT_DARK = np.where(RAMP < 128, 255, RAMP)  # the ramp whose darker half is transparent, on white
ALPHA = Image.fromarray(np.where(RAMP < 128, 0, 255).astype(np.uint8))
DEEP = RAMP.astype(np.uint16) * 257


def clear_palette(path: Path) -> None:
    image = GREY.convert("P")
    image.save(path, transparency=bytes([0] * 128 + [255] * 128))


def sideways(path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    Image.fromarray(np.rot90(DEEP)).save(path, exif=exif)


def white_is_zero(path: Path, levels: np.ndarray) -> None:
    """A TIFF of one strip, written tag by tag, as Pillow writes none of this kind."""
    pixels, form = levels.tobytes(), 3 if levels.dtype.kind == "f" else 1
    height, width = levels.shape
    tags = {256: width, 257: height, 258: 8 * levels.itemsize, 259: 1, 262: 0, 273: 8, 277: 1, 278: height}
    entries = [struct.pack("<HHII", tag, 4, 1, value) for tag, value in {**tags, 279: len(pixels), 339: form}.items()]
    header = struct.pack("<2sHI", b"II", 42, 8 + len(pixels))
    path.write_bytes(header + pixels + struct.pack("<H", len(entries)) + b"".join(entries) + bytes(4))


KINDS: dict[str, tuple[Callable[[Path], object], np.ndarray]] = {
    "16-bit.png": (lambda path: Image.fromarray(DEEP).save(path), RAMP),
    "16-bit.tif": (lambda path: Image.fromarray(DEEP.astype(">u2")).save(path), RAMP),
    "16-bit.pgm": (lambda path: path.write_bytes(b"P5 16 16 65535\n" + DEEP.astype(">u2").tobytes()), RAMP),
    "16-bit.ppm": (lambda path: path.write_bytes(b"P6 16 16 65535\n" + DEEP.astype(">u2").repeat(3).tobytes()), RAMP),
    "16-bit-clear.png": (lambda path: Image.fromarray(DEEP).save(path, transparency=0), np.where(RAMP == 0, 255, RAMP)),
    "16-bit-sideways.png": (sideways, RAMP),
    "16-bits-of-32.tif": (lambda path: Image.fromarray(DEEP.astype(np.int32)).save(path), RAMP),
    "8-bits-of-32.tif": (lambda path: Image.fromarray(RAMP.astype(np.int32)).save(path), RAMP),
    "float-to-1.tif": (lambda path: Image.fromarray(RAMP.astype(np.float32) / 255).save(path), RAMP),
    "float-to-255.tif": (lambda path: Image.fromarray(RAMP.astype(np.float32)).save(path), RAMP),
    "1-bit.png": (lambda path: ALPHA.convert("1").save(path), np.asarray(ALPHA)),
    "palette.gif": (lambda path: GREY.save(path), RAMP),
    "white-is-0-in-8.tif": (lambda path: white_is_zero(path, 255 - RAMP), RAMP),
    "white-is-0-in-16.tif": (lambda path: white_is_zero(path, 65535 - DEEP), RAMP),
    "white-is-0-in-floats.tif": (lambda path: white_is_zero(path, 1 - RAMP.astype(np.float32) / 255), RAMP),
    "cmyk.tif": (lambda path: GREY.convert("RGB").convert("CMYK").save(path), RAMP),
    "clear-palette.png": (clear_palette, WITHOUT_DARK),
    "la.png": (lambda path: Image.merge("LA", (GREY, ALPHA)).save(path), WITHOUT_DARK),
    "rgba.webp": (
        lambda path: Image.merge("RGBA", (GREY, GREY, GREY, ALPHA)).save(path, lossless=True),
        WITHOUT_DARK,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_pixel_is_what_people_see(kind: str, tmp_path: Path) -> None:
    write, expected = KINDS[kind]
    write(tmp_path / kind)
    assert np.array_equal(np.asarray(read_picture(tmp_path / kind, 1)), expected)
    assert np.array_equal(decode(tmp_path / kind, 3, 16).permute(1, 2, 0).numpy(), np.dstack([expected] * 3))


@pytest.mark.parametrize(
    ("levels", "message"),
    [
        (RAMP.astype(np.float32) - 1, "from -1 to 254, expected 0..1 or 0..255"),
        (np.full((2, 2), np.nan, np.float32), "from nan to nan"),
        (DEEP.astype(np.int32) * 2, "from 0 to 131070, expected 0..255 or 0..65535"),
    ],
)
def test_levels_of_no_known_depth_are_named(levels: np.ndarray, message: str, tmp_path: Path) -> None:
    Image.fromarray(levels).save(tmp_path / "odd.tif")
    with pytest.raises(DataError, match=rf"odd.tif: .*{message}"):
        read_picture(tmp_path / "odd.tif", 1)


def test_a_picture_is_decoded_to_the_channels_and_size_asked_for(tmp_path: Path) -> None:
    Image.fromarray(np.full((10, 20, 3), (200, 0, 0), np.uint8)).save(tmp_path / "red.png")
    assert decode(tmp_path / "red.png", 3, 5).shape == (3, 5, 5)
    assert decode(tmp_path / "red.png", 1, 5).unique().tolist() == [60]  # Pillow's luma of that red


def test_a_picture_that_is_no_square_is_squeezed_cropped_or_padded(tmp_path: Path) -> None:
    pixels = np.full((4, 8), 100, np.uint8)
    pixels[:, 2:6] = 200
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    squeezed, padded = (decode(tmp_path / "wide.png", 1, 8, fit)[0] for fit in ("squeeze", "pad"))
    assert torch.equal(squeezed, torch.from_numpy(pixels).repeat_interleave(2, 0))
    assert decode(tmp_path / "wide.png", 1, 4, "crop").unique().tolist() == [200]
    assert padded[2:6].equal(torch.from_numpy(pixels))
    assert padded[[0, 1, 6, 7]].unique().tolist() == [0]


def test_a_picture_too_large_to_be_one_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("L", (40, 40)).save(tmp_path / "large.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    with pytest.raises(DataError, match=r"large.png: is not a whole image file"):
        decode(tmp_path / "large.png", 1, 5)


def test_a_broken_note_beside_the_pixels_is_an_unreadable_picture(tmp_path: Path) -> None:
    Image.new("L", (4, 4)).save(tmp_path / "note.png", exif=b"II*\0")
    with pytest.raises(DataError, match=r"note.png: is not a whole image file"):
        decode(tmp_path / "note.png", 1, 4)
