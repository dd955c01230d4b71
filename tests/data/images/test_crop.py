"""Random crops: torchvision's distribution, Pillow's pixels, a function of counters."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from scipy import stats
from torchvision.transforms import RandomResizedCrop

from entreg.data import DecodeCrop
from entreg.errors import ConfigError

DRAWS = 3000


@pytest.mark.parametrize(("height", "width", "min_area"), [(375, 500, 0.08), (90, 400, 0.5)])
def test_boxes_are_distributed_as_those_of_torchvision(height: int, width: int, min_area: float) -> None:
    crop, picture = DecodeCrop(min_area=min_area), torch.empty(3, height, width)
    ours = np.array([crop.draw(height, width, 0, 0, i) for i in range(DRAWS)], dtype=float)
    torch.manual_seed(0)
    theirs = np.array(
        [RandomResizedCrop.get_params(picture, [min_area, 1], [3 / 4, 4 / 3]) for _ in range(DRAWS)], dtype=float
    )
    for of_ours, of_theirs in (
        (ours[:, 2] * ours[:, 3], theirs[:, 2] * theirs[:, 3]),
        (ours[:, 3] / ours[:, 2], theirs[:, 3] / theirs[:, 2]),
        (ours[:, 0], theirs[:, 0]),
        (ours[:, 1], theirs[:, 1]),
    ):
        assert stats.ks_2samp(of_ours, of_theirs).pvalue > 1e-3
    assert stats.binomtest(int(ours[:, 4].sum()), DRAWS, 0.5).pvalue > 1e-3


def test_a_picture_too_long_for_any_box_gives_its_middle() -> None:
    for height, width in ((10, 100), (100, 10)):
        theirs = RandomResizedCrop.get_params(torch.empty(1, height, width), [1, 1], [3 / 4, 4 / 3])
        assert DecodeCrop(min_area=1).draw(height, width, 0, 0, 0)[:4] == theirs


@pytest.mark.parametrize("channels", [1, 3])
def test_a_crop_is_the_box_resized_once_as_pillow_does_to_one_level(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(256, size=(60, 80, channels), dtype=np.uint8)
    picture = torch.from_numpy(pixels).permute(2, 0, 1)
    crop = DecodeCrop(min_area=0.2)
    for i in range(20):
        top, left, height, width, mirrored = crop.draw(60, 80, 3, 1, i)
        box = Image.fromarray(pixels.squeeze()).crop((left, top, left + width, top + height))
        expected = np.asarray(box.resize((24, 24), Image.Resampling.BILINEAR)).reshape(24, 24, channels)
        expected = expected[:, ::-1] if mirrored else expected
        found = crop(picture, 24, 3, 1, i).permute(1, 2, 0).numpy()
        assert np.abs(found.astype(int) - expected).max() <= 1


def test_each_counter_matters() -> None:
    crop = DecodeCrop()
    drawn = [crop.draw(500, 500, *counters) for counters in ((0, 0, 0), (1, 0, 0), (0, 1, 0), (0, 0, 1))]
    assert len(set(drawn)) == 4
    assert crop.draw(500, 500, 0, 0, 0) == drawn[0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "data.crop.size"),
        ({"min_area": 0}, "data.crop: min_area"),
        ({"max_aspect": 0.9}, "max_aspect=0.9"),
        ({"flip_p": 1.5}, "flip_p=1.5"),
    ],
)
def test_what_is_out_of_range_is_named(options: dict, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        DecodeCrop(**options)
