"""The batched warp against torchvision's transforms and their sampling distributions."""

import numpy as np
import pytest
import torch
from scipy import stats
from torchvision.transforms import InterpolationMode, RandomPerspective
from torchvision.transforms import functional as tvf

from entreg.data.images.augment.warp import Warp, perspective_homography, random_corners, rotation_homography, warp
from entreg.data.sampling import counter_generator
from entreg.errors import ConfigError

SHAPES = [(28, 28), (20, 33), (41, 24)]


def random_images(n, channels, height, width):
    return torch.rand(n, channels, height, width, generator=torch.Generator().manual_seed(1))


def interior(homography, height, width):
    """Pixels whose four neighbours all lie inside the source image, ``(H, W)``."""
    return warp(torch.ones(1, 1, height, width), homography)[0, 0] > 0.999


@pytest.mark.parametrize(("draw", "height", "width"), [(draw, *shape) for draw, shape in enumerate(SHAPES)])
def test_a_perspective_matches_torchvision(draw, height, width):
    corners = random_corners(1, height, width, 0.5, counter_generator(draw))
    homography = perspective_homography(corners, height, width).float()
    image = random_images(1, 2, height, width)
    start = [[0, 0], [width - 1, 0], [width - 1, height - 1], [0, height - 1]]
    expected = tvf.perspective(image, start, corners[0].tolist(), InterpolationMode.BILINEAR)
    inside = interior(homography, height, width)
    assert inside.float().mean() > 0.2
    torch.testing.assert_close(warp(image, homography)[..., inside], expected[..., inside], rtol=0, atol=1e-4)


@pytest.mark.parametrize(
    ("degrees", "height", "width"), [(-37.0, *SHAPES[1]), (3.5, *SHAPES[0]), (10.0, *SHAPES[2]), (90.0, *SHAPES[1])]
)
def test_a_rotation_matches_torchvision(degrees, height, width):
    homography = rotation_homography(torch.tensor([degrees], dtype=torch.float64), height, width).float()
    image = random_images(1, 2, height, width)
    expected = tvf.rotate(image, degrees, InterpolationMode.BILINEAR)
    inside = interior(homography, height, width)
    assert inside.float().mean() > 0.2
    torch.testing.assert_close(warp(image, homography)[..., inside], expected[..., inside], rtol=0, atol=1e-4)


def test_perspective_comes_before_rotation():
    height, width = 48, 64
    perspective, rotation, both = (
        Warp(perspective_p=p, degrees=degrees).table(8, height, width, seed=3, epoch=0)
        for p, degrees in ((1, 0), (0, 40), (1, 40))
    )
    torch.testing.assert_close(both, perspective @ rotation, rtol=1e-4, atol=1e-4)

    # Ramps are resampled almost exactly, so that two resamplings can be compared with one.
    ramps = torch.stack(torch.meshgrid(torch.linspace(0, 1, height), torch.linspace(0, 1, width), indexing="ij"))
    images = torch.cat([ramps, torch.ones(1, height, width)]).expand(8, 3, height, width)
    once, right = warp(images, both), warp(warp(images, perspective), rotation)
    wrong = warp(warp(images, rotation), perspective)
    inside = ((once[:, 2] > 0.999) & (right[:, 2] > 0.999) & (wrong[:, 2] > 0.999))[:, None].expand(8, 2, -1, -1)
    assert inside.sum() > 1000
    assert (once - right)[:, :2][inside].abs().max() < 0.01
    assert (once - wrong)[:, :2][inside].abs().max() > 0.1


def test_rotation_angles_are_uniform():
    degrees = 45.0
    table = Warp(perspective_p=0, degrees=degrees).table(20_000, 28, 28, seed=0, epoch=0).double()
    angles = torch.atan2(table[:, 1, 0], table[:, 0, 0]).rad2deg().numpy()
    assert np.abs(angles).max() <= degrees + 1e-4
    assert stats.kstest(angles, stats.uniform(-degrees, 2 * degrees).cdf).pvalue > 1e-3


@pytest.mark.parametrize(("height", "width", "distortion"), [(28, 28, 0.5), (20, 33, 0.3), (28, 28, 1.0)])
def test_perspective_corners_are_distributed_as_in_torchvision(height, width, distortion):
    corners = random_corners(20_000, height, width, distortion, counter_generator(0)).flatten(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = torch.tensor(
            [RandomPerspective.get_params(width, height, distortion)[1] for _ in range(1000)]
        ).flatten(1)
    for coordinate in range(8):
        support = theirs[:, coordinate].unique()
        values, counts = corners[:, coordinate].unique(return_counts=True)
        assert values.tolist() == support.tolist()
        assert stats.chisquare(counts.numpy()).pvalue > 1e-4


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_share_of_perspectives_is_perspective_p(share):
    table = Warp(perspective_p=share, degrees=0).table(5000, 28, 28, seed=0, epoch=0)
    warped = int((table != torch.eye(3)).flatten(1).any(1).sum())
    if share in (0, 1):
        assert warped == 5000 * share
    else:
        assert stats.binomtest(warped, 5000, share).pvalue > 1e-3


def test_identity_leaves_the_image_unchanged():
    height, width = SHAPES[1]
    images = random_images(3, 2, height, width)
    torch.testing.assert_close(warp(images, torch.eye(3).expand(3, 3, 3)), images, rtol=0, atol=1e-5)


def test_outside_is_zero():
    aside = torch.eye(3)[None].clone()
    aside[0, 0, 2] = 100.0
    assert not warp(torch.ones(1, 1, 28, 28), aside).any()


@pytest.mark.parametrize(
    "wrong",
    [
        {"distortion": -0.1},
        {"distortion": 1.1},
        {"perspective_p": -0.1},
        {"perspective_p": 1.5},
        {"degrees": -1.0},
        {"degrees": float("nan")},
    ],
)
def test_wrong_arguments_are_config_errors(wrong):
    with pytest.raises(ConfigError, match=next(iter(wrong))) as caught:
        Warp(**wrong)
    assert "\n" not in str(caught.value)


def test_the_strongest_perspective_has_no_number_that_is_none():
    table = Warp(distortion=1.0, perspective_p=1.0).table(20_000, 28, 28, seed=0, epoch=0)
    assert table.isfinite().all()
