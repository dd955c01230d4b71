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

from entreg.data.sampling import counter_generator
from entreg.errors import ConfigError


@dataclass(frozen=True)
class Warp:
    """Random perspective, then random rotation.

    Args:
        distortion: how far perspective moves the corners, in [0, 1]; 0.5 moves them up to a quarter of the size.
        perspective_p: probability of the perspective, in [0, 1].
        degrees: the rotation angle is uniform in [-degrees, degrees].
    """

    distortion: float = 0.5
    perspective_p: float = 0.5
    degrees: float = 10.0

    def __post_init__(self) -> None:
        if not 0 <= self.distortion <= 1 or not 0 <= self.perspective_p <= 1 or not 0 <= self.degrees < math.inf:
            raise ConfigError(
                f"augment: distortion and perspective_p lie in [0, 1], degrees is a number >= 0; got distortion="
                f"{self.distortion}, perspective_p={self.perspective_p}, degrees={self.degrees}"
            )

    def table(self, n: int, height: int, width: int, seed: int, epoch: int) -> Tensor:
        """Draw the homographies of all ``n`` samples for one epoch, ``(n, 3, 3)`` float32, to be indexed by id."""
        generator = counter_generator(seed, epoch, "augment")
        corners = random_corners(n, height, width, self.distortion, generator)
        applied = torch.rand(n, generator=generator) < self.perspective_p
        angles = (2 * torch.rand(n, generator=generator, dtype=torch.float64) - 1) * self.degrees
        perspective = torch.eye(3, dtype=torch.float64).repeat(n, 1, 1)
        perspective[applied] = perspective_homography(corners[applied], height, width)
        return (perspective @ rotation_homography(angles, height, width)).float()


def random_corners(n: int, height: int, width: int, distortion: float, generator: torch.Generator) -> Tensor:
    """Draw where perspective sends the four corners, ``(n, 4, 2)`` integer (x, y), clockwise from top left.

    Each coordinate is uniform over the integers within ``int(distortion * (size // 2))`` of its corner, as in
    ``torchvision.transforms.RandomPerspective.get_params``.
    """
    reach = torch.tensor([int(distortion * (width // 2)), int(distortion * (height // 2))])
    inward = (torch.rand(n, 4, 2, generator=generator, dtype=torch.float64) * (reach + 1)).long()
    start, direction = _corners(height, width), torch.tensor([[1, 1], [-1, 1], [-1, -1], [1, -1]])
    return start.long() + direction * inward


def perspective_homography(corners: Tensor, height: int, width: int) -> Tensor:
    """Solve for the homographies that send the image's corners to ``corners`` ``(n, 4, 2)``; ``(n, 3, 3)`` float64.

    As in torchvision, corner coordinates are taken as positions of pixel centres.
    """
    output, source = corners.double(), _corners(height, width).expand(len(corners), 4, 2)
    x, y = output.unbind(-1)
    one, zero = torch.ones_like(x), torch.zeros_like(x)
    u, v = source.unbind(-1)
    rows_u = torch.stack([x, y, one, zero, zero, zero, -u * x, -u * y], dim=-1)
    rows_v = torch.stack([zero, zero, zero, x, y, one, -v * x, -v * y], dim=-1)
    coefficients, failed = torch.linalg.solve_ex(torch.cat([rows_u, rows_v], 1), torch.cat([u, v], 1))
    homographies = F.pad(coefficients, (0, 1), value=1.0).view(-1, 3, 3)
    homographies[failed > 0] = torch.eye(3, dtype=torch.float64)  # three corners on a line: no perspective has them
    return homographies


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


def _corners(height: int, width: int) -> Tensor:
    """Positions (x, y) of the corners of an image, clockwise from top left."""
    right, bottom = width - 1, height - 1
    return torch.tensor([[0, 0], [right, 0], [right, bottom], [0, bottom]], dtype=torch.float64)
