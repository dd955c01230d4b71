"""Mirror, shift and cutout against torchvision's transforms, to the pixel and in distribution."""

from __future__ import annotations

import re

import pytest
import torch
from scipy import stats
from torchvision.transforms import RandomCrop
from torchvision.transforms import functional as tvf

from entreg.data import FlipCrop
from entreg.errors import ConfigError
from tests.data.images.augment.test_augment import random_images

SHAPES = [(32, 32), (20, 33)]


def every_window(pad: int) -> torch.Tensor:
    """Each shift, mirrored and not, as rows of a table."""
    reach = torch.arange(-pad, pad + 1)
    rows = torch.cartesian_prod(reach, reach, torch.tensor([0, 1]))
    return torch.cat([rows, torch.zeros(len(rows), 2, dtype=torch.int64)], 1).int()


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32])
@pytest.mark.parametrize(("mode", "theirs"), [("reflect", "reflect"), ("zeros", "constant")])
@pytest.mark.parametrize(("height", "width"), SHAPES)
def test_every_window_is_that_of_torchvision(
    height: int, width: int, mode: str, theirs: str, dtype: torch.dtype
) -> None:
    pad, table = 4, every_window(4)
    images = random_images(len(table), 3, height, width).to(dtype)
    found = FlipCrop(pad, mode).apply(images, table)
    assert found.dtype == dtype
    for image, moved, (down, right, mirrored, *_) in zip(images, found, table.tolist(), strict=True):
        expected = tvf.crop(tvf.pad(image, pad, padding_mode=theirs), down + pad, right + pad, height, width)
        assert torch.equal(moved, tvf.hflip(expected) if mirrored else expected)


def test_shifts_and_mirroring_are_distributed_as_in_torchvision() -> None:
    pad, n, draws = 4, 20_000, 4000
    table = FlipCrop(pad, cutout=8).table(n, 28, 32, seed=0, epoch=0)
    frame = torch.empty(1, 28 + 2 * pad, 32 + 2 * pad)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        theirs = torch.tensor([RandomCrop.get_params(frame, (28, 32))[:2] for _ in range(draws)]) - pad
        theirs_mirrored = int((torch.rand(draws) < 0.5).sum())  # what RandomHorizontalFlip compares
    for column in (0, 1):
        ours = torch.bincount(table[:, column] + pad, minlength=2 * pad + 1)
        assert stats.chisquare(ours.numpy()).pvalue > 1e-3
        both = torch.stack([ours, torch.bincount(theirs[:, column] + pad, minlength=2 * pad + 1)])
        assert stats.chi2_contingency(both.numpy()).pvalue > 1e-3
    mirrored = int(table[:, 2].sum())
    counts = [[mirrored, n - mirrored], [theirs_mirrored, draws - theirs_mirrored]]
    assert stats.chi2_contingency(counts).pvalue > 1e-3
    together = torch.bincount((table[:, 0] + pad) * 18 + (table[:, 1] + pad) * 2 + table[:, 2], minlength=162)
    assert stats.chisquare(together.numpy()).pvalue > 1e-3  # independent of each other
    for column, size in ((3, 28), (4, 32)):
        assert stats.chisquare(torch.bincount(table[:, column], minlength=size).numpy()).pvalue > 1e-3


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_share_of_mirrored_images_is_flip_p(share: float) -> None:
    mirrored = int(FlipCrop(flip_p=share).table(5000, 28, 28, seed=0, epoch=0)[:, 2].sum())
    if share in (0, 1):
        assert mirrored == 5000 * share
    else:
        assert stats.binomtest(mirrored, 5000, share).pvalue > 1e-3


@pytest.mark.parametrize("side", [1, 7, 8])
def test_a_square_is_hidden_where_cutout_hides_it(side: int) -> None:
    middles = torch.tensor([[0, 0], [15, 9], [31, 31], [3, 28]])
    table = torch.cat([torch.zeros(4, 3, dtype=torch.int64), middles], 1).int()
    shown = FlipCrop(pad=0, cutout=side).apply(torch.ones(4, 2, 32, 32), table)
    for image, (y, x) in zip(shown, middles.tolist(), strict=True):
        expected = torch.ones(2, 32, 32)
        top, left = y - side // 2, x - side // 2  # even sides as in the paper's code
        expected[:, max(top, 0) : top + side, max(left, 0) : left + side] = 0
        assert torch.equal(image, expected)


@pytest.mark.parametrize(
    "wrong",
    [{"pad": -1}, {"pad": 1.5}, {"cutout": -2}, {"flip_p": 1.5}, {"flip_p": float("nan")}, {"padding_mode": "edge"}],
)
def test_wrong_arguments_are_config_errors(wrong: dict[str, object]) -> None:
    ((name, value),) = wrong.items()
    with pytest.raises(ConfigError, match=f"{name}.*{re.escape(str(value))}") as caught:
        FlipCrop(**wrong)
    assert "\n" not in str(caught.value)


def test_an_image_that_is_too_small_to_be_reflected_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"^data.augment.pad 4 is for images larger than that, these have 4x9 pixels"):
        FlipCrop().table(5, 4, 9, seed=0, epoch=0)
    assert len(FlipCrop(padding_mode="zeros").table(5, 4, 9, seed=0, epoch=0)) == 5
    assert len(FlipCrop(pad=3).table(5, 4, 9, seed=0, epoch=0)) == 5


def test_on_zeros_an_image_may_be_shifted_out_of_its_place_altogether() -> None:
    table = torch.tensor([[9, 0, 0, 0, 0], [0, -12, 1, 0, 0], [3, 2, 0, 0, 0]], dtype=torch.int32)
    images = random_images(3, 1, 4, 5)
    found = FlipCrop(pad=12, padding_mode="zeros").apply(images, table)
    assert not found[:2].any()
    assert torch.equal(found[2, :, :1, :3], images[2, :, 3:, 2:])
    assert not found[2, :, 1:].any()
