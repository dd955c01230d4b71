"""Random perspective and rotation of a whole batch in one bilinear resampling, where the batch lives.

The distributions are those of torchvision's ``RandomPerspective`` and ``RandomRotation``. torchvision resamples
twice, the rotation by nearest neighbour; here both are composed into one homography (a stated deviation).

Homographies map *output* pixel centres ``(x + 0.5, y + 0.5)`` to *input* pixel centres, as ``(x, y, 1)`` columns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from entreg.data.images.augment.augment import Augment
from entreg.errors import ConfigError


@dataclass(frozen=True)
class Warp(Augment):
    """Random perspective, then random rotation, as handwriting is augmented.

    Args:
        distortion: how far perspective moves the corners, in [0, 1]; 0.5 moves them up to a quarter of the size.
        perspective_p: probability of the perspective, in [0, 1].
        degrees: the rotation angle is uniform in [-degrees, degrees].

    Raises:
        ConfigError: if a number is out of range.
    """

    distortion: float = 0.5
    perspective_p: float = 0.5
    degrees: float = 10.0

    def __post_init__(self) -> None:
        if not 0 <= self.distortion <= 1 or not 0 <= self.perspective_p <= 1 or not 0 <= self.degrees < math.inf:
            raise ConfigError(
                f"data.augment: distortion and perspective_p lie in [0, 1], degrees is a number >= 0; got distortion="
                f"{self.distortion}, perspective_p={self.perspective_p}, degrees={self.degrees}"
            )

    @override
    def draw(self, n: int, height: int, width: int, generator: torch.Generator, device: torch.device) -> Tensor:
        """Draw homographies, ``(n, 3, 3)`` float32; what follows from the numbers is computed on the device."""
        corners = random_corners(n, height, width, self.distortion, generator, device)
        applied = torch.rand(n, generator=generator).to(device) < self.perspective_p
        angles = (2 * torch.rand(n, generator=generator, dtype=torch.float64).to(device) - 1) * self.degrees
        perspective = perspective_homography(corners, height, width)
        perspective = torch.where(applied[:, None, None], perspective, _identity(device))
        return _product(perspective, rotation_homography(angles, height, width)).float()

    @override
    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        return warp(images.float(), parameters)


def random_corners(
    n: int,
    height: int,
    width: int,
    distortion: float,
    generator: torch.Generator,
    device: torch.device = torch.device("cpu"),  # noqa: B008 - immutable
) -> Tensor:
    """Draw where perspective sends the four corners, ``(n, 4, 2)`` integer (x, y), clockwise from top left.

    Each coordinate is uniform over the integers within ``int(distortion * (size // 2))`` of its corner, as in
    ``torchvision.transforms.RandomPerspective.get_params``.
    """
    uniform = torch.rand(n, 4, 2, generator=generator, dtype=torch.float64).to(device)
    reach = torch.tensor([int(distortion * (width // 2)), int(distortion * (height // 2))], device=device)
    direction = torch.tensor([[1, 1], [-1, 1], [-1, -1], [1, -1]], device=device)
    return _corners(height, width).long().to(device) + direction * (uniform * (reach + 1)).long()


def perspective_homography(corners: Tensor, height: int, width: int) -> Tensor:
    """Return the homographies that send ``corners`` ``(n, 4, 2)`` to the image's corners; ``(n, 3, 3)`` float64.

    As in torchvision, corner coordinates are taken as positions of pixel centres. The homography of the unit square to
    a quadrilateral has a closed form (Heckbert 1989, *Fundamentals of Texture Mapping and Image Warping*, section
    2.2.3); this is its inverse, up to a factor its adjugate, then stretched to the size of the image.
    """
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = (corner.unbind(-1) for corner in corners.double().unbind(-2))
    dx1, dx2, sx = x1 - x2, x3 - x2, x0 - x1 + x2 - x3
    dy1, dy2, sy = y1 - y2, y3 - y2, y0 - y1 + y2 - y3
    area = dx1 * dy2 - dx2 * dy1
    g, h = (sx * dy2 - dx2 * sy) / area, (dx1 * sy - sx * dy1) / area
    a, b, c = x1 - x0 + g * x1, x3 - x0 + h * x3, x0
    d, e, f = y1 - y0 + g * y1, y3 - y0 + h * y3, y0
    adjugate = [e - f * h, c * h - b, b * f - c * e, f * g - d, a - c * g, c * d - a * f, d * h - e * g, b * g - a * h,
                a * e - b * d]  # fmt: skip
    homographies = torch.stack(adjugate, dim=-1).view(-1, 3, 3)
    size = torch.tensor([width - 1, height - 1, 1], dtype=torch.float64, device=corners.device)
    homographies = homographies * size[:, None] / homographies[:, 2:, 2:]
    flat = ~homographies.isfinite().all(2).all(1)  # three corners on a line: no perspective has them
    return torch.where(flat[:, None, None], _identity(corners.device), homographies)


def rotation_homography(degrees: Tensor, height: int, width: int) -> Tensor:
    """Homographies of a counter-clockwise rotation about the image centre by ``degrees`` ``(n,)``; ``(n, 3, 3)``."""
    angle = degrees * (math.pi / 180)
    cos, sin, cx, cy = angle.cos(), angle.sin(), width / 2, height / 2
    zero, one = torch.zeros_like(cos), torch.ones_like(cos)
    rows = [cos, -sin, cx - cos * cx + sin * cy, sin, cos, cy - sin * cx - cos * cy, zero, zero, one]
    return torch.stack(rows, dim=-1).view(-1, 3, 3)


def warp(images: Tensor, homographies: Tensor) -> Tensor:
    """Resample ``images`` ``(N, C, H, W)``, floating point, bilinearly at ``homographies`` ``(N, 3, 3)``; 0 outside."""
    height, width = images.shape[-2:]
    x = torch.arange(width, device=images.device, dtype=homographies.dtype) + 0.5
    y = (torch.arange(height, device=images.device, dtype=homographies.dtype) + 0.5)[:, None]
    h = homographies[:, :, :, None, None]
    # Written out elementwise, so that a sample's grid does not depend on the batch it stands in, to the last bit.
    u, v, w = (h[:, i, 0] * x + h[:, i, 1] * y + h[:, i, 2] for i in range(3))
    grid = images.new_empty(len(images), height, width, 2)  # filled in place: stacking costs a third of the warp
    grid[..., 0] = u / w * (2 / width) - 1
    grid[..., 1] = v / w * (2 / height) - 1
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


def _identity(device: torch.device) -> Tensor:
    return torch.eye(3, dtype=torch.float64, device=device)


def _product(left: Tensor, right: Tensor) -> Tensor:
    """Product of matrices ``(n, 3, 3)``, one by one: a library for large ones takes ten times as long."""
    return (left[:, :, :, None] * right[:, None]).sum(2)


def _corners(height: int, width: int) -> Tensor:
    """Positions (x, y) of the corners of an image, clockwise from top left."""
    right, bottom = width - 1, height - 1
    return torch.tensor([[0, 0], [right, 0], [right, bottom], [0, bottom]], dtype=torch.float64)
