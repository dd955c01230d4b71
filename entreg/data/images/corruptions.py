"""Corruptions of test images at five severities, a whole batch at once, as functions of (seed, sample id)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor

from entreg.data.images.augment.warp import rotation_homography, warp
from entreg.data.sampling import counter_generator, counter_seed

Corruption = Callable[[Tensor, Tensor, float], Tensor]

# How strong each is at severities 1 to 5. Lengths are shares of the image's width.
_LEVELS: dict[str, tuple[float, ...]] = {
    "rotation": (10, 20, 30, 40, 50),  # degrees
    "translation": (0.04, 0.08, 0.12, 0.16, 0.20),
    "blur": (0.018, 0.029, 0.040, 0.054, 0.071),  # standard deviation of the Gaussian kernel
    "noise": (0.1, 0.2, 0.3, 0.4, 0.5),  # standard deviation, of pixels in 0..1
    "occlusion": (0.20, 0.28, 0.36, 0.44, 0.52),  # side of the square
    "contrast": (0.75, 0.55, 0.40, 0.25, 0.15),  # what is left of it
}
_DRAWS = 4  # random numbers that each sample has for its corruption


class Corruptions:
    """Apply any corruption to any batch; a sample's damage does not depend on the batch it stands in.

    ============  ==============================================  =======================
    name          what it does                                    at severity 1 .. 5
    ============  ==============================================  =======================
    rotation      by an angle, to the left or to the right        10 .. 50 degrees
    translation   in a random direction, by a share of the width  0.04 .. 0.20
    blur          Gaussian, its sd as a share of the width        0.018 .. 0.071
    noise         Gaussian, its sd with pixels in 0..1            0.1 .. 0.5
    occlusion     a black square, its side a share of the width   0.20 .. 0.52
    contrast      towards the image's mean; what is left          0.75 .. 0.15
    ============  ==============================================  =======================

    The direction of a sample's damage is the same at all severities, so that these differ in strength alone.

    Args:
        n: number of samples of the set; ids run below it.
        seed: seed of all draws, the same for all runs of a study.
    """

    names = tuple(_LEVELS)

    def __init__(self, n: int, seed: int) -> None:
        self.seed = seed
        self._draws = {
            name: torch.rand(n, _DRAWS, generator=counter_generator(seed, name, "corruption")) for name in _LEVELS
        }

    def __call__(self, name: str, severity: int, image: Tensor, ids: Tensor) -> Tensor:
        """Return the corrupted images, of the same shape.

        Args:
            name: one of :attr:`names`.
            severity: 1 to 5.
            image: ``(N, C, H, W)`` floating point, pixels in 0..255.
            ids: ids of the samples, ``(N,)``.
        """
        level = _LEVELS[name][severity - 1]
        draw = self._draws[name][ids.cpu()].to(image.device)
        if name == "noise":
            return (image + level * 255 * self._noise(image, ids)).clamp(0, 255)
        return _CORRUPTIONS[name](image, draw, level)

    def _noise(self, image: Tensor, ids: Tensor) -> Tensor:
        """Standard normal fields, each drawn from its sample's own generator."""
        generator = torch.Generator()
        fields = [
            torch.randn(image.shape[1:], generator=generator.manual_seed(counter_seed(self.seed, i, "noise")))
            for i in ids.tolist()
        ]
        return torch.stack(fields).to(image) if fields else torch.empty_like(image)


def _rotate(image: Tensor, draw: Tensor, degrees: float) -> Tensor:
    sign = torch.where(draw[:, 0] < 0.5, -1.0, 1.0).double()
    homographies = rotation_homography(sign * degrees, *image.shape[-2:])
    return warp(image, homographies.to(image.dtype))


def _translate(image: Tensor, draw: Tensor, share: float) -> Tensor:
    angle, length = draw[:, 0] * (2 * math.pi), share * image.shape[-1]
    homographies = torch.eye(3, device=image.device, dtype=image.dtype).repeat(len(image), 1, 1)
    homographies[:, 0, 2], homographies[:, 1, 2] = length * angle.cos(), length * angle.sin()
    return warp(image, homographies)


def _blur(image: Tensor, draw: Tensor, share: float) -> Tensor:
    from torchvision.transforms.v2.functional import gaussian_blur_image  # seconds to import, rarely needed

    sigma = share * image.shape[-1]
    side = 2 * math.ceil(3 * sigma) + 1
    return gaussian_blur_image(image, [side, side], [sigma, sigma])


def _occlude(image: Tensor, draw: Tensor, share: float) -> Tensor:
    height, width = image.shape[-2:]
    side = round(share * width)
    top = (draw[:, 0] * (height - side + 1)).floor()[:, None]
    left = (draw[:, 1] * (width - side + 1)).floor()[:, None]
    rows, columns = (torch.arange(size, device=image.device)[None] for size in (height, width))
    hidden = ((rows >= top) & (rows < top + side))[:, None, :, None]
    hidden = hidden & ((columns >= left) & (columns < left + side))[:, None, None, :]
    return image.masked_fill(hidden, 0)


def _flatten(image: Tensor, draw: Tensor, left: float) -> Tensor:
    mean = image.mean((1, 2, 3), keepdim=True)
    return mean + left * (image - mean)


_CORRUPTIONS: dict[str, Corruption] = {
    "rotation": _rotate,
    "translation": _translate,
    "blur": _blur,
    "occlusion": _occlude,
    "contrast": _flatten,
}
