"""Random area and aspect: the part of a picture that training sees, cut out before anything is resized."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from entreg.data.sampling import counter_generator
from entreg.errors import ConfigError

_TRIES = 10  # as in torchvision


@dataclass(frozen=True)
class RandomResizedCrop:
    """Cut out a box of random area and aspect, resize it to a square, and mirror every other one.

    The distribution is that of ``torchvision.transforms.RandomResizedCrop`` (Szegedy et al. 2015, arXiv 1409.4842,
    section 6) followed by ``RandomHorizontalFlip``. What a picture gets is a function of (seed, epoch, id). Only the
    box is resampled, once, bilinearly with antialiasing: at most one of 255 levels off what Pillow's resize gives.

    Args:
        size: height and width of the crops; default: that of whole images, ``image_size``. Smaller ones train faster,
            and objects look larger in crops than in whole pictures, which evens out (Touvron et al. 2019, arXiv
            1906.06423).
        scale: least and largest share of the picture's area, 0 < least <= largest <= 1.
        ratio: least and largest width / height of the box.
        flip: probability that it is mirrored.

    Raises:
        ConfigError: if a number is out of range.
    """

    size: int | None = None
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    flip: float = 0.5

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise ConfigError(f"data.crop.size is a number >= 1, got {self.size}")
        if not 0 < self.scale[0] <= self.scale[1] <= 1:
            raise ConfigError(f"data.crop.scale is two shares, 0 < least <= largest <= 1, got {list(self.scale)}")
        if not 0 < self.ratio[0] <= self.ratio[1] < math.inf:
            raise ConfigError(f"data.crop.ratio is two numbers, 0 < least <= largest, got {list(self.ratio)}")
        if not 0 <= self.flip <= 1:
            raise ConfigError(f"data.crop.flip is a probability, got {self.flip}")

    def __call__(self, picture: Tensor, size: int, *counters: int) -> Tensor:
        """Return the crop of a picture.

        Args:
            picture: ``(C, H, W)`` uint8, in memory as ``(H, W, C)``.
            size: height and width of the crop.
            counters: seed, epoch and id.

        Returns:
            ``(C, size, size)`` uint8.
        """
        top, left, height, width, mirrored = self.draw(*picture.shape[1:], *counters)
        box = picture[None, :, top : top + height, left : left + width].contiguous(memory_format=torch.channels_last)
        crop = F.interpolate(box, (size, size), mode="bilinear", antialias=True)
        return (crop.flip(3) if mirrored else crop)[0]

    def draw(self, height: int, width: int, *counters: int) -> tuple[int, int, int, int, bool]:
        """Draw top, left, height and width of the box, and whether it is mirrored.

        Where ten boxes of random area and aspect do not lie in the picture, it is the largest one in the middle whose
        aspect is in :attr:`ratio`, as in torchvision.

        Example:
            >>> RandomResizedCrop(scale=(1, 1), ratio=(1, 1), flip=0).draw(20, 20, 0, 0, 7)
            (0, 0, 20, 20, False)
            >>> RandomResizedCrop(scale=(1, 1), ratio=(1, 2), flip=1).draw(10, 50, 0, 0, 7)
            (0, 15, 10, 20, True)
        """
        generator = counter_generator(*counters, "crop")
        mirrored, down, across, *drawn = torch.rand(3 + 2 * _TRIES, generator=generator, dtype=torch.float64).tolist()
        low, high = map(math.log, self.ratio)
        for share, aspect in zip(drawn[::2], drawn[1::2], strict=True):
            area = height * width * (self.scale[0] + share * (self.scale[1] - self.scale[0]))
            ratio = math.exp(low + aspect * (high - low))
            h, w = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
            if 0 < h <= height and 0 < w <= width:
                return int(down * (height - h + 1)), int(across * (width - w + 1)), h, w, mirrored < self.flip
        ratio = min(max(width / height, self.ratio[0]), self.ratio[1])
        h, w = min(height, max(1, round(width / ratio))), min(width, max(1, round(height * ratio)))
        return (height - h) // 2, (width - w) // 2, h, w, mirrored < self.flip
