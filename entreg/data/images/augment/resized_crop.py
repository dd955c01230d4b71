"""A random part of each image, brought back to the image's size in one bilinear resampling."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from entreg.data.images.augment.augment import Augment
from entreg.data.images.crop import check_ranges

_ATTEMPTS = 10


@dataclass(frozen=True)
class ResizedCrop(Augment):
    """Random part of random area and aspect, brought to the image's size, then random mirroring (Szegedy et al. 2015).

    The distributions are those of torchvision's ``RandomResizedCrop`` and ``RandomHorizontalFlip``, with its ten
    attempts and what it takes when none fits. So are the pixels, but for rounding: ours stay floating point. A part is
    never larger than the image, so that there is nothing to be antialiased.

    Args:
        min_area: smallest share of the image's area, in (0, 1]; the share is uniform from here to 1. 0.08 is usual for
            photographs of 224 pixels.
        max_aspect: largest ratio of width to height, >= 1; its logarithm is uniform around 0.
        flip_p: probability of mirroring left and right, in [0, 1].

    Raises:
        ConfigError: if a number is out of range.
    """

    min_area: float = 0.08
    max_aspect: float = 4 / 3
    flip_p: float = 0.5

    def __post_init__(self) -> None:
        check_ranges("data.augment", self.min_area, self.max_aspect, self.flip_p)

    @override
    def draw(self, n: int, height: int, width: int, generator: torch.Generator, device: torch.device) -> Tensor:
        """Draw top, left, height and width of the parts in pixels, and mirroring; ``(n, 5)`` float32."""

        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(n, generator=generator, dtype=torch.float64)

        sizes = torch.zeros(n, 2, dtype=torch.float64)
        for _ in range(_ATTEMPTS):
            area = height * width * uniform(self.min_area, 1)
            aspect = uniform(-math.log(self.max_aspect), math.log(self.max_aspect)).exp()
            drawn = torch.stack([(area / aspect).sqrt().round(), (area * aspect).sqrt().round()], 1)
            fits = (drawn >= 1).all(1) & (drawn[:, 0] <= height) & (drawn[:, 1] <= width) & (sizes[:, 0] == 0)
            sizes = torch.where(fits[:, None], drawn, sizes)
        widest = [min(height, round(width * self.max_aspect)), min(width, round(height * self.max_aspect))]
        failed = sizes[:, :1] == 0
        sizes = torch.where(failed, torch.tensor(widest, dtype=torch.float64), sizes)
        room = torch.tensor([height, width]) - sizes
        corners = (torch.rand(n, 2, generator=generator, dtype=torch.float64) * (room + 1)).floor()
        corners = torch.where(failed, (room / 2).floor(), corners)
        mirrored = torch.rand(n, 1, generator=generator) < self.flip_p
        return torch.cat([corners, sizes, mirrored], 1).float().to(device)

    @override
    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        height, width = images.shape[-2:]
        top, left, tall, wide, mirrored = parameters[:, :, None].unbind(1)
        x = torch.arange(width, device=images.device) + 0.5
        y = torch.arange(height, device=images.device) + 0.5
        x = torch.where(mirrored > 0, width - x, x) * (wide / width)
        # Clamped to the centres of the part's outer pixels: what lies beside it is not in it.
        x = left + torch.minimum(x.clamp(min=0.5), wide - 0.5)
        y = top + torch.minimum((y * (tall / height)).clamp(min=0.5), tall - 0.5)
        grid = torch.empty(len(images), height, width, 2, device=images.device)
        grid[..., 0] = (x * (2 / width) - 1)[:, None]
        grid[..., 1] = (y * (2 / height) - 1)[:, :, None]
        return F.grid_sample(images.float(), grid, mode="bilinear", padding_mode="border", align_corners=False)
