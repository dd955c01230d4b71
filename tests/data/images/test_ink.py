"""Letters on paper come out as the same letters, clean. tests/benchmarks/paper.py says what a network makes of them."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from PIL import Image, ImageDraw

from entreg.data.images.ink import find_ink
from entreg.data.images.sets.glyphs import TRAIN_FONTS
from entreg.data.images.sets.strokes import draw_letters
from tests.data.images.paper import CLEAN, PAPERS, Paper, draw_on

LETTERS = draw_letters(TRAIN_FONTS, 52, 0, "ink")[0][:, 0].numpy()


def found(pixels: np.ndarray, side: int = 28) -> np.ndarray | None:
    ink = find_ink(Image.fromarray(pixels).convert("RGB"))
    return None if ink is None else np.asarray(Image.fromarray(ink).resize((side, side), Image.Resampling.BILINEAR))


@cache
def letters_on(paper: Paper) -> np.ndarray:
    """All letters as they are found, flat, of mean 0 and norm 1."""
    drawn = (draw_on(paper, letter, np.random.default_rng(i)) for i, letter in enumerate(LETTERS))
    flat = np.stack([found(pixels).ravel() for pixels in drawn])
    flat -= flat.mean(1, keepdims=True)
    return flat / np.linalg.norm(flat, axis=1, keepdims=True)


@pytest.mark.parametrize("kind", PAPERS)
def test_a_letter_on_paper_is_the_letter(kind: str) -> None:
    alike = letters_on(PAPERS[kind]) @ letters_on(replace(CLEAN, thin=PAPERS[kind].thin)).T
    assert (alike.argmax(1) == np.arange(len(LETTERS))).all()
    assert np.median(alike.diagonal()) > 0.98
    assert alike.diagonal().min() > 0.8


@pytest.mark.parametrize("kind", ["clean", *PAPERS])
def test_paper_without_a_letter_holds_nothing(kind: str) -> None:
    paper = {"clean": CLEAN, **PAPERS}[kind]
    nothing = np.zeros((28, 28), np.uint8)
    assert all(found(draw_on(paper, nothing, np.random.default_rng(seed))) is None for seed in range(3))


@pytest.mark.parametrize("width", [2, 6, 20])
@pytest.mark.parametrize("pair", [("white", "black"), ("black", "yellow"), ("white", "yellow"), ("white", "red")])
def test_a_dot_belongs_to_its_letter_whatever_the_pen(width: int, pair: tuple[str, str]) -> None:
    paper, ink = pair
    picture = Image.new("RGB", (200, 250), paper)
    pen = ImageDraw.Draw(picture)
    pen.rectangle((100, 90, 99 + width, 209), fill=ink)
    pen.rectangle((100, 50, 99 + width, 49 + width), fill=ink)
    letter = find_ink(picture)
    assert letter is not None
    assert letter.shape == (160, width)
    assert letter[:width].min() > 0.9
    assert letter[width:40].max() < 0.1


def test_strokes_from_edge_to_edge_are_no_ruled_lines() -> None:
    picture = Image.new("RGB", (200, 240), "white")
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 199, 14), fill="black")
    pen.rectangle((93, 0, 107, 239), fill="black")
    letter = find_ink(picture)
    assert letter is not None
    assert letter.shape == (240, 200)
    assert letter[:14].min() > 0.9


@pytest.mark.parametrize("size", [(1, 1), (2, 300), (80, 60)])
def test_a_page_of_one_colour_holds_nothing(size: tuple[int, int]) -> None:
    assert all(find_ink(Image.new("RGB", size, colour)) is None for colour in ("black", "grey", "white"))


def test_ink_may_fill_the_picture() -> None:
    picture = Image.new("RGB", (300, 300), "white")
    ImageDraw.Draw(picture).rectangle((10, 10, 289, 289), fill="black")
    letter = find_ink(picture)
    assert letter is not None
    assert letter.shape == (280, 280)


def test_polarity_can_be_said_where_the_border_is_ink() -> None:
    picture = Image.new("RGB", (200, 200), "black")
    ImageDraw.Draw(picture).rectangle((30, 30, 169, 169), fill="white")
    ring, inside = find_ink(picture, "dark"), find_ink(picture)
    assert ring is not None
    assert inside is not None
    assert ring.shape == (200, 200)
    assert inside.shape == (140, 140)
