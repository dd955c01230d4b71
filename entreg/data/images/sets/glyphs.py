"""Letters of the public-domain Hershey fonts as batches of line segments, and their rendering as pen strokes."""

from __future__ import annotations

import string
from functools import cache

import torch
from HersheyFonts import HersheyFonts
from torch import Tensor

# The package ships most Latin typefaces under several names (futural, rowmans and meteorology hold the same glyphs);
# these are the distinct ones, so that a held-out font is really unseen.
TRAIN_FONTS = ("rowmans", "timesr", "timesrb", "timesi", "scripts")
TEST_FONTS = ("rowmand", "timesib", "scriptc")
LETTERS = string.ascii_letters


@cache
def glyphs(fonts: tuple[str, ...]) -> tuple[Tensor, Tensor]:
    """Segments of all upper- and lower-case letters of ``fonts``.

    Returns:
        ``(G, S, 2, 2)`` float32 end points (x, y) of up to S segments a glyph, padded by repeating the first, and the
        class of each glyph ``(G,)``, 0..25, cases merged.
    """
    source = HersheyFonts()
    segments: list[Tensor] = []
    for font in fonts:
        source.load_default_font(font)
        segments += [torch.tensor(list(source.lines_for_text(letter)), dtype=torch.float32) for letter in LETTERS]
    longest = max(map(len, segments))
    padded = [torch.cat([glyph, glyph[:1].expand(longest - len(glyph), 2, 2)]) for glyph in segments]
    classes = torch.tensor([string.ascii_lowercase.index(letter.lower()) for letter in LETTERS])
    return torch.stack(padded), classes.repeat(len(fonts))


def render(segments: Tensor, radius: Tensor, softness: Tensor, offsets: Tensor, size: int) -> Tensor:
    """Draw segments with a round pen of soft edge: the ink at a pixel is a ramp of its distance to the nearest one.

    Args:
        segments: end points in pixels ``(N, S, 2, 2)``.
        radius: half the pen width in pixels ``(N,)``.
        softness: width of the edge's ramp in pixels ``(N,)``.
        offsets: displacement of the point at which each pixel looks, in pixels ``(N, 2, size, size)``.
        size: height and width of the image.

    Returns:
        images ``(N, size, size)`` uint8, ink 255 on 0.
    """
    centres = torch.arange(size) + 0.5
    grid = torch.stack(torch.meshgrid(centres, centres, indexing="xy")) + offsets  # (N, 2, size, size)
    x, y = (grid[:, i].flatten(1)[:, None] for i in (0, 1))  # (N, 1, P)
    start, end = segments.unbind(2)
    along = end - start
    ax, ay = along[..., :1], along[..., 1:]  # (N, S, 1)
    px, py = x - start[..., :1], y - start[..., 1:]  # (N, S, P)
    length2 = (ax * ax + ay * ay).clamp(min=1e-9)
    position = ((px * ax + py * ay) / length2).clamp_(0, 1)
    distance = ((px - position * ax).square_() + (py - position * ay).square_()).amin(1).sqrt()
    ink = ((radius[:, None] - distance) / softness[:, None] + 0.5).clamp(0, 1)
    return (ink * ink * (3 - 2 * ink) * 255).round().to(torch.uint8).view(-1, size, size)
