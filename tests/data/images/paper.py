"""Letters as they are photographed: ink on paper, of uneven light, with grain, specks and ruled lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Paper:
    """What a letter is drawn on, and how.

    Attributes:
        light: how much darker the darkest place of the paper may be, a share of the lightest.
        grain: standard deviation of the noise, of 255.
        specks: number of dark specks of a pixel or two.
        paper: reflectance of the paper, from and to.
        ink: reflectance of the ink, from and to.
        share: share of the picture's side that the letter's box takes, from and to.
        thin: level of the letter's soft edge at which its pen ends, from and to; the higher the thinner.
        lines: whether a ruled line, of any height and somewhat tilted, runs through the picture.
        chalk: whether the ink is the lighter one.
    """

    light: float = 0.0
    grain: float = 0.0
    specks: int = 0
    paper: tuple[float, float] = (1.0, 1.0)
    ink: tuple[float, float] = (0.0, 0.0)
    share: tuple[float, float] = (1.0, 1.0)
    thin: tuple[float, float] = (0.5, 0.5)
    lines: bool = False
    chalk: bool = False


GREY = {"paper": (0.65, 0.95), "ink": (0.1, 0.4)}
CLEAN = Paper()
PAPERS = {
    "grain": Paper(**GREY, grain=8, specks=6),
    "light": Paper(**GREY, light=0.5, grain=3),
    "small": Paper(**GREY, share=(0.3, 0.8), grain=3),
    "thin": Paper(**GREY, thin=(0.7, 0.85), grain=3),
    "ruled": Paper(**GREY, lines=True, share=(0.4, 0.8), grain=3),
    "chalk": Paper(chalk=True, paper=(0.1, 0.3), ink=(0.6, 0.9), light=0.4, share=(0.4, 0.9), grain=6),
    "photo": Paper(**GREY, light=0.4, grain=5, specks=4, share=(0.4, 0.9), thin=(0.5, 0.75), lines=True),
}


def draw_on(paper: Paper, letter: Picture, random: np.random.Generator, side: int = 224) -> Picture:
    """Draw a letter, ``(28, 28)`` uint8 light on black, on a paper of ``side`` pixels; uint8 grey."""
    level = random.uniform(*paper.thin)
    box = round(side * random.uniform(*paper.share))
    large = np.asarray(Image.fromarray(letter).resize((box, box), Image.Resampling.BICUBIC), np.float32) / 255
    ramp = 1.0 if level == 0.5 else 0.3  # a thin pen's edge is as sharp as a thick one's
    ink = np.zeros((side, side), np.float32)
    top, left = random.integers(0, side - box + 1, 2)
    ink[top : top + box, left : left + box] = np.clip((large - level) / ramp + 0.5, 0, 1)
    y, x = np.mgrid[:side, :side] / side
    if paper.lines:
        height = random.uniform(0.1, 0.9) + random.uniform(-0.02, 0.02) * x
        ink = np.maximum(ink, random.uniform(0.3, 0.6) * (np.abs(y - height) * side < random.uniform(0.5, 1.2)))
    for _ in range(paper.specks):
        row, column = random.integers(0, side - 2, 2)
        ink[row : row + random.integers(1, 3), column : column + random.integers(1, 3)] = random.uniform(0.4, 1)
    ground, pen = random.uniform(*paper.paper), random.uniform(*paper.ink)
    angle = random.uniform(0, 2 * np.pi)
    slope = (np.cos(angle) * x + np.sin(angle) * y - min(np.cos(angle), 0) - min(np.sin(angle), 0)) / np.sqrt(2)
    shade = 1 - paper.light * random.uniform(0.5, 1) * slope**2
    fibre = ndimage.gaussian_filter(random.standard_normal((side, side)), 1.5) * 3 + random.standard_normal(
        (side, side)
    )
    pixels = 255 * (ground + (pen - ground) * ink) * shade + paper.grain * fibre / 2
    return pixels.round().clip(0, 255).astype(np.uint8)
