"""Random parts of images against torchvision's RandomResizedCrop, in distribution and in pixels."""

from __future__ import annotations

import re

import pytest
import torch
from scipy import stats
from torchvision.transforms import InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as tvf

from entreg.data import ResizedCrop
from entreg.errors import ConfigError

DRAWS = 3000


def theirs(height: int, width: int, augment: ResizedCrop) -> torch.Tensor:
    """Top, left, height and width as torchvision draws them."""
    ratio = (1 / augment.max_aspect, augment.max_aspect)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        image, scale = torch.empty(1, height, width), (augment.min_area, 1.0)
        return torch.tensor([RandomResizedCrop.get_params(image, scale, ratio) for _ in range(DRAWS)])


@pytest.mark.parametrize(("height", "width"), [(224, 224), (150, 260)])
def test_parts_are_distributed_as_in_torchvision(height: int, width: int) -> None:
    def features(parts: torch.Tensor) -> dict[str, torch.Tensor]:
        top, left, tall, wide = parts.double().unbind(1)
        placed = (height - tall) * (width - wide) > 0
        return {
            "area": tall * wide,
            "aspect": wide / tall,
            "top": (top / (height - tall))[placed],
            "left": (left / (width - wide))[placed],
        }

    augment = ResizedCrop()
    table = augment.table(10_000, height, width, seed=0, epoch=0)
    ours, expected = features(table[:, :4]), features(theirs(height, width, augment))
    for name, values in expected.items():
        assert stats.ks_2samp(ours[name].numpy(), values.numpy()).pvalue > 1e-3, name
    assert stats.binomtest(int(table[:, 4].sum()), 10_000, 0.5).pvalue > 1e-3


@pytest.mark.parametrize(
    ("height", "width", "max_aspect"),
    [(20, 60, 4 / 3), (60, 20, 4 / 3), (8, 9, 1.0), (5, 5, 2.0)],
)
def test_small_and_long_images_give_the_same_parts_as_often(height: int, width: int, max_aspect: float) -> None:
    """Few parts are possible, and where none is found in ten attempts the middle is taken."""
    augment = ResizedCrop(min_area=0.42, max_aspect=max_aspect)
    table = augment.table(20_000, height, width, seed=0, epoch=0)[:, :4].long()
    found, counts = torch.cat([table, theirs(height, width, augment)]).unique(dim=0, return_inverse=True)
    both = torch.stack([torch.bincount(part, minlength=len(found)) for part in counts.split([20_000, DRAWS])])
    expected = both.sum(0) * DRAWS / (20_000 + DRAWS)
    common, rare = both[:, expected >= 5], both[:, expected < 5].sum(1, keepdim=True)
    groups = torch.cat([common, rare], 1) if rare.sum() else common
    assert groups.shape[1] > 1
    assert stats.chi2_contingency(groups.numpy()).pvalue > 1e-3


def test_a_part_is_always_inside() -> None:
    for height, width in ((1, 1), (2, 3), (32, 32), (7, 100)):
        top, left, tall, wide, _ = ResizedCrop().table(5000, height, width, seed=0, epoch=0).unbind(1)
        assert (torch.stack([top, left, tall - 1, wide - 1]) >= 0).all()
        assert (top + tall).max() <= height
        assert (left + wide).max() <= width


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize(("height", "width"), [(32, 32), (20, 33)])
def test_pixels_are_those_of_torchvision(height: int, width: int, antialias: bool) -> None:
    augment = ResizedCrop(min_area=0.02)
    table = augment.table(200, height, width, seed=0, epoch=0)
    images = 255 * torch.rand(200, 3, height, width, generator=torch.Generator().manual_seed(1))
    for image, found, (*part, mirrored) in zip(images, augment.apply(images, table), table.tolist(), strict=True):
        box, size = [int(number) for number in part], [height, width]
        expected = tvf.resized_crop(image, *box, size, InterpolationMode.BILINEAR, antialias=antialias)
        torch.testing.assert_close(found, tvf.hflip(expected) if mirrored else expected, rtol=0, atol=5e-3)


def test_the_whole_image_stays_as_it_is() -> None:
    augment = ResizedCrop(min_area=1.0, max_aspect=1.0, flip_p=0.0)
    images = 255 * torch.rand(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))
    found = augment.apply(images, augment.table(8, 32, 32, seed=0, epoch=0))
    torch.testing.assert_close(found, images, rtol=0, atol=5e-3)


@pytest.mark.parametrize(
    "wrong",
    [{"min_area": 0.0}, {"min_area": 1.1}, {"max_aspect": 0.9}, {"max_aspect": float("inf")}, {"flip_p": -0.1}],
)
def test_wrong_arguments_are_config_errors(wrong: dict[str, float]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(ConfigError, match=f"{name}={re.escape(str(value))}") as caught:
        ResizedCrop(**wrong)
    assert "\n" not in str(caught.value)
