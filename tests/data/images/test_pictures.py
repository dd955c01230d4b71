"""Pictures of any size, polarity and mode become what the network was trained on."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw, ImageOps

from entreg.data.images.pictures import as_input, picture_files
from entreg.errors import DataError

LETTERS = {"image_shape": [1, 28, 28], "transposed": False, "ink": True}


def an_l(size: tuple[int, int] = (200, 300), paper: int = 255, ink: int = 0) -> Image.Image:
    """A thick letter L, off the centre."""
    image = Image.new("L", size, paper)
    pen = ImageDraw.Draw(image)
    pen.rectangle((20, 30, 45, 230), fill=ink)
    pen.rectangle((20, 205, 145, 230), fill=ink)
    return image


def saved(image: Image.Image, path: Path) -> Path:
    image.save(path)
    return path


def test_a_letter_fills_24_of_28_pixels_and_is_centred(tmp_path: Path) -> None:
    image = as_input(saved(an_l(), tmp_path / "l.png"), LETTERS)
    assert image.shape == (1, 28, 28)
    assert image.dtype == torch.uint8
    rows, columns = ((image[0] > 64).any(axis).nonzero()[:, 0] for axis in (1, 0))
    assert (int(rows[0]), int(rows[-1])) == (2, 25)
    assert int(columns[-1] - columns[0]) + 1 == round(24 * 126 / 201)
    assert abs(int(columns[0]) - (27 - int(columns[-1]))) <= 1
    assert image[0, 5:20, int(columns[0])].float().mean() > 200
    assert image.max() == 255


@pytest.mark.parametrize(
    "make",
    [
        lambda: an_l(paper=0, ink=255),
        lambda: an_l(paper=230, ink=60),
        lambda: an_l().convert("RGB").resize((400, 600)),
        lambda: ImageOps.expand(an_l(), border=80, fill=255),
    ],
)
def test_polarity_contrast_size_mode_and_margin_do_not_matter(make, tmp_path: Path) -> None:
    expected = as_input(saved(an_l(), tmp_path / "plain.png"), LETTERS).float()
    found = as_input(saved(make(), tmp_path / "other.png"), LETTERS).float()
    assert (found - expected).abs().mean() < 6


def test_ink_on_nothing_is_ink_on_white(tmp_path: Path) -> None:
    drawn = an_l()
    image = Image.merge("LA", (Image.new("L", drawn.size, 0), ImageOps.invert(drawn)))
    found = as_input(saved(image, tmp_path / "clear.png"), LETTERS)
    assert torch.equal(found, as_input(saved(drawn, tmp_path / "plain.png"), LETTERS))


def test_images_stored_on_their_side_are_laid_on_their_side(tmp_path: Path) -> None:
    path = saved(an_l(), tmp_path / "l.png")
    assert torch.equal(as_input(path, {**LETTERS, "transposed": True}), as_input(path, LETTERS).mT)


def test_photographs_are_only_resized(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(40, 50, 3), dtype=np.uint8)
    image = as_input(saved(Image.fromarray(pixels), tmp_path / "p.png"), {"image_shape": [3, 32, 32], "ink": False})
    expected = np.asarray(Image.fromarray(pixels).resize((32, 32), Image.Resampling.BILINEAR))
    assert np.array_equal(image.permute(1, 2, 0).numpy(), expected)


def test_an_empty_or_torn_picture_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"blank.png: nothing is on it"):
        as_input(saved(Image.new("L", (30, 30), 255), tmp_path / "blank.png"), LETTERS)
    (tmp_path / "torn.png").write_bytes(b"not a picture")
    with pytest.raises(DataError, match=r"torn.png: is not a whole image file"):
        as_input(tmp_path / "torn.png", LETTERS)


def test_pictures_are_found_below_a_folder_in_order(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    paths = [saved(an_l(), tmp_path / name) for name in ("b/1.PNG", "a.jpg")]
    (tmp_path / "notes.txt").write_text("")
    assert picture_files(tmp_path) == sorted(paths)
    assert picture_files(paths[0]) == [paths[0]]
    with pytest.raises(DataError, match="is not there, expected a picture or a folder"):
        picture_files(tmp_path / "nothing")
