"""Pen on paper: where a picture shows ink, whatever the paper's shade, the light on it and which of both is darker."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

Polarity = Literal["auto", "dark", "light"]
Map = NDArray[np.float32]  # (H, W)

_FAINT = 32 / 255  # share of the ink's contrast: what has less is paper
_SIDE = 256  # pixels that the longer side of larger pictures is reduced to, about, by a whole factor
_OVERVIEW = 64  # pixels of the longer side: enough for the paper's shade
_WIDEST = 1 / 3  # share of the side: wider than any stroke
_DARKEST = 0.4  # share of the paper's lightest shade: what is darker is ink of any width
_SPECK = 0.015  # share of the largest part of the ink: the dot of an i is larger
_SMALLEST = 1 / 16  # share of the side: a letter has at least as many pixels
_THINNEST = 1 / 40  # share of the side: ruled lines are thinner, strokes that span the picture are not
_ACROSS = 0.9  # share of the columns in which a line from edge to edge is seen
_SLOPES = np.linspace(-0.05, 0.05, 21)  # of ruled lines
_TOUCHING = np.ones((3, 3), bool)  # corners too


def find_ink(picture: Image.Image, polarity: Polarity = "auto") -> Map | None:
    """Return the part of a picture that a letter or digit takes, 1 where there is ink and 0 where there is none.

    The channel is taken that varies most, so that coloured ink counts as any other; the paper's shade is taken out;
    ink is what is darker than Otsu's threshold, and what softly surrounds it; thin lines from edge to edge and specks
    are dropped. Large pictures are reduced first.

    Args:
        picture: of mode ``RGB``.
        polarity: ``"dark"`` or ``"light"`` ink, or ``"auto"``: whichever the border of the picture is not.

    Returns:
        ``(h, w)`` float32 in 0..1, or ``None`` if there is nothing but paper, lines and specks.
    """
    picture = picture.reduce(max(1, round(max(picture.size) / _SIDE)))
    overview = picture.copy()
    overview.thumbnail((_OVERVIEW, _OVERVIEW), Image.Resampling.BOX)
    channel = int(np.asarray(overview).std((0, 1)).argmax())
    small, levels = (np.asarray(image.getchannel(channel), np.float32) for image in (overview, picture))
    if polarity == "light" or (polarity == "auto" and _is_dark(small)):
        small, levels = 255 - small, 255 - levels
    ink = 1 - levels / _paper(small, picture.size)
    if np.ptp(ink) < _FAINT:
        return None
    threshold = _otsu(ink.clip(0))
    paper = ink[ink <= threshold]
    white, black = np.median(paper), np.percentile(ink[ink > threshold], 90)
    noise = white - np.percentile(paper, 16)  # a standard deviation, on the side of it that soft edges are not on
    if black < _FAINT or black - white < 5 * noise:
        return None
    faint = min(max(_FAINT * black, white + 4 * noise), threshold)
    for turned in (ink, ink.T):
        while _drop_line(turned, faint):
            pass
    letter = _without_specks(ink > faint, ink > threshold)
    if not letter.any():
        return None
    rows, columns = (np.flatnonzero(letter.any(axis)) for axis in (1, 0))
    ink = np.where(letter, (ink / black).clip(0, 1), 0)
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.float32)


def _is_dark(levels: Map) -> bool:
    """Tell whether the paper is darker than the ink, unevenness of the light left out of account."""
    flat = levels - ndimage.uniform_filter(levels, max(levels.shape) // 2)
    border = np.concatenate([flat[0], flat[-1], flat[:, 0], flat[:, -1]])
    return bool(np.median(border) < (flat.min() + flat.max()) / 2)


def _paper(levels: Map, size: tuple[int, int]) -> Map:
    """Return the shade of light paper under what is darker and narrower than a third of it, at another size; > 0."""
    widest = max(3, round(_WIDEST * max(levels.shape)))
    shade = ndimage.grey_closing(levels, (widest, widest))
    shade = shade.clip(max(_DARKEST * shade.max(), 1))
    ink = 1 - levels / shade
    near_ink = ndimage.binary_dilation(ink > _otsu(ink) / 2, iterations=2)
    shade = np.where(near_ink, shade, levels)  # the closing is too light at the edges of the picture
    smooth = ndimage.gaussian_filter(shade, widest / 8)
    return np.asarray(Image.fromarray(smooth).resize(size, Image.Resampling.BILINEAR))


def _otsu(values: Map) -> float:
    """Return the threshold between two kinds of values whose means differ the most (Otsu 1979)."""
    counts, edges = np.histogram(values, 256)
    sums = (counts * (edges[:-1] + edges[1:]) / 2).cumsum()
    below, total = counts.cumsum()[:-1], counts.sum()
    between = (sums[-1] * below - sums[:-1] * total) ** 2 / np.maximum(below * (total - below), 1)
    return float(edges[1 + between.argmax()])


def _drop_line(ink: Map, faint: float) -> bool:
    """Erase a thin, nearly level line from edge to edge, except where ink crosses it; tell whether there was one."""
    marked = ink > faint
    height, width = marked.shape
    if marked.any(0).mean() < _ACROSS:
        return False
    runs, _ = ndimage.label(marked, [[0, 1, 0]] * 3)
    tall = np.bincount(runs.ravel())[runs]  # of each pixel: how many are marked without a gap above and below it
    thin = marked & (tall <= max(1, _THINNEST * width))
    slope, offset = _straightest(thin)
    line = marked & (np.abs(np.arange(height)[:, None] - slope * np.arange(width) - offset) <= 1 + width / 100)
    if line.any(0).mean() < _ACROSS or not (line & thin).any():
        return False
    ink[line & (tall <= 1.5 * np.median(tall[line & thin]) + 1)] = 0
    return True


def _straightest(marked: NDArray[np.bool_]) -> tuple[float, int]:
    """Return slope and row at column 0 of the nearly level line on which most pixels lie (Hough transform)."""
    rows, columns = marked.nonzero()
    most, found = 0, (0.0, 0)
    for slope in _SLOPES:
        offsets, votes = np.unique(np.round(rows - slope * columns).astype(int), return_counts=True)
        if votes.max(initial=0) > most:
            most, found = votes.max(), (slope, offsets[votes.argmax()])
    return found


def _without_specks(faint: NDArray[np.bool_], dark: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the connected parts of what is faint or darker that hold enough of what is dark, if one is a letter's."""
    parts, _ = ndimage.label(faint, _TOUCHING)
    sizes = np.bincount(parts.ravel(), dark.ravel())
    sizes[0] = 0
    if sizes.max() < _SMALLEST * max(dark.shape):
        return np.zeros_like(dark)
    return (sizes > _SPECK * sizes.max())[parts]
