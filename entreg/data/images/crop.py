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


def check_ranges(key: str, min_area: float, max_aspect: float, flip_p: float) -> None:
    """Raise :class:`ConfigError` if a number of a random crop, an option below ``key``, is out of range."""
    if not 0 < min_area <= 1 or not 1 <= max_aspect < math.inf or not 0 <= flip_p <= 1:
        raise ConfigError(
            f"{key}: min_area lies in (0, 1], max_aspect is a number >= 1, flip_p lies in [0, 1]; got "
            f"min_area={min_area}, max_aspect={max_aspect}, flip_p={flip_p}"
        )


@dataclass(frozen=True)
class DecodeCrop:
    """Cut out a part of random area and aspect, resize it to a square, and mirror it at random.

    The distribution is that of ``torchvision.transforms.RandomResizedCrop`` (Szegedy et al. 2015, arXiv 1409.4842,
    section 6) followed by ``RandomHorizontalFlip``. What a picture gets is a function of (seed, epoch, id). Only the
    part is resampled, once, bilinearly with antialiasing: at most one of 255 levels off what Pillow's resize gives.

    Args:
        size: height and width of the crops; default: that of whole images, ``image_size``. Smaller ones train faster,
            and objects look larger in crops than in whole pictures, which evens out (Touvron et al. 2019, arXiv
            1906.06423).
        min_area: smallest share of the picture's area, in (0, 1]; the share is uniform from here to 1.
        max_aspect: largest ratio of width to height, >= 1; its logarithm is uniform around 0.
        flip_p: probability of mirroring left and right, in [0, 1].

    Raises:
        ConfigError: if a number is out of range.
    """

    size: int | None = None
    min_area: float = 0.08
    max_aspect: float = 4 / 3
    flip_p: float = 0.5

    def __post_init__(self) -> None:
        if self.size is not None and self.size < 1:
            raise ConfigError(f"data.crop.size is a number >= 1, got {self.size}")
        check_ranges("data.crop", self.min_area, self.max_aspect, self.flip_p)

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
        """Draw top, left, height and width of the part, and whether it is mirrored.

        Where ten parts of random area and aspect do not lie in the picture, it is the largest one in the middle whose
        aspect is allowed, as in torchvision.

        Example:
            >>> DecodeCrop(min_area=1, max_aspect=1, flip_p=0).draw(20, 20, 0, 0, 7)
            (0, 0, 20, 20, False)
            >>> DecodeCrop(min_area=1, max_aspect=2, flip_p=1).draw(10, 50, 0, 0, 7)
            (0, 15, 10, 20, True)
        """
        generator = counter_generator(*counters, "crop")
        mirror, down, across, *drawn = torch.rand(3 + 2 * _TRIES, generator=generator, dtype=torch.float64).tolist()
        mirrored = mirror < self.flip_p
        for share, aspect in zip(drawn[::2], drawn[1::2], strict=True):
            area = height * width * (self.min_area + share * (1 - self.min_area))
            ratio = self.max_aspect ** (2 * aspect - 1)
            h, w = round(math.sqrt(area / ratio)), round(math.sqrt(area * ratio))
            if 0 < h <= height and 0 < w <= width:
                return int(down * (height - h + 1)), int(across * (width - w + 1)), h, w, mirrored
        h, w = min(height, round(width * self.max_aspect)), min(width, round(height * self.max_aspect))
        return (height - h) // 2, (width - w) // 2, h, w, mirrored
