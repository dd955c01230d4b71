"""Mirror, shift and cutout of a whole batch by copying pixels: nothing is resampled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from typing_extensions import override

from entreg.data.images.augment.augment import Augment
from entreg.errors import ConfigError


@dataclass(frozen=True)
class FlipCrop(Augment):
    """Random shift, then random mirroring, as photographs of 32 pixels are augmented (He et al. 2016).

    The distributions are those of torchvision's ``RandomCrop(size, padding=pad)`` and ``RandomHorizontalFlip``, the
    pixels too: an image is laid into a frame of ``pad`` pixels, and one of its ``(2 * pad + 1) ** 2`` windows is taken.
    ``cutout`` then hides a square around any pixel, cut off at the border (DeVries and Taylor 2017, arXiv 1708.04552;
    they use 16 pixels for ten classes of CIFAR, 8 for a hundred). Ours is black, theirs the mean of the pixels.

    Args:
        pad: by how many pixels an image moves at most, up or down and to the left or right.
        padding_mode: what comes in from outside: ``reflect`` the image mirrored at its border, without that twice;
            ``zeros`` black, as torchvision has it by default.
        flip_p: probability of mirroring left and right, in [0, 1].
        cutout: side of the hidden square in pixels; 0 for none.

    Raises:
        ConfigError: if a number is out of range.
    """

    pad: int = 4
    padding_mode: Literal["reflect", "zeros"] = "reflect"
    flip_p: float = 0.5
    cutout: int = 0

    def __post_init__(self) -> None:
        whole = isinstance(self.pad, int) and isinstance(self.cutout, int)
        if not whole or self.pad < 0 or self.cutout < 0 or not 0 <= self.flip_p <= 1:
            raise ConfigError(
                f"data.augment: pad and cutout are whole numbers >= 0, flip_p lies in [0, 1]; got pad={self.pad}, "
                f"cutout={self.cutout}, flip_p={self.flip_p}"
            )
        if self.padding_mode not in ("reflect", "zeros"):
            raise ConfigError(f"data.augment.padding_mode is reflect or zeros, got {self.padding_mode!r}")

    @override
    def draw(self, n: int, height: int, width: int, generator: torch.Generator, device: torch.device) -> Tensor:
        """Draw rows, columns, mirroring, and the middle of the square; ``(n, 5)`` int32.

        The first two say where the window begins, -pad..pad.
        """
        if self.padding_mode == "reflect" and self.pad >= min(height, width):
            raise ConfigError(
                f"data.augment.pad {self.pad} is for images larger than that, these have {height}x{width} pixels; "
                "choose a smaller one, or --data.augment.padding_mode zeros"
            )
        table = torch.empty(n, 5, dtype=torch.int32)
        table[:, :2] = torch.randint(-self.pad, self.pad + 1, (n, 2), generator=generator)
        table[:, 2] = torch.rand(n, generator=generator) < self.flip_p
        for column, size in ((3, height), (4, width)):
            table[:, column] = torch.randint(size, (n,), generator=generator)
        return table.to(device)

    @override
    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        down, right, mirrored, y, x = parameters.long()[:, :, None, None, None].unbind(1)
        across = torch.arange(width, device=images.device)
        along = torch.arange(height, device=images.device)[:, None]
        rows, columns = along + down, torch.where(mirrored > 0, width - 1 - across, across) + right
        inside = _reflected if self.padding_mode == "reflect" else _nearest
        index = inside(rows, height) * width + inside(columns, width)  # (N, 1, H, W)
        moved = images.flatten(2).gather(2, index.flatten(2).expand(-1, images.shape[1], -1)).view_as(images)
        if self.padding_mode == "zeros":
            moved.masked_fill_((rows < 0) | (rows >= height) | (columns < 0) | (columns >= width), 0)
        if self.cutout:
            top, left = y - self.cutout // 2, x - self.cutout // 2
            hidden = (along >= top) & (along < top + self.cutout) & (across >= left) & (across < left + self.cutout)
            moved.masked_fill_(hidden, 0)
        return moved


def _reflected(places: Tensor, size: int) -> Tensor:
    """Bring places in ``1 - size..2 * size - 2`` into an image, each as far from its border as it was outside."""
    return size - 1 - (size - 1 - places.abs()).abs()


def _nearest(places: Tensor, size: int) -> Tensor:
    """Bring places into an image, each to its border."""
    return places.clamp(0, size - 1)
