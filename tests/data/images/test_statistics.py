from __future__ import annotations

import numpy as np
import pytest
import torch

from entreg.data.images import statistics
from entreg.data.images.statistics import pixel_statistics
from entreg.data.samples import ResidentSamples


@pytest.mark.parametrize("chunk", [3, 4096])
def test_mean_and_deviation_of_each_channel_are_numpys(chunk: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statistics, "_CHUNK", chunk)
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(256, (20, 3, 5, 4), generator=generator, dtype=torch.uint8) // torch.tensor(
        [1, 2, 3], dtype=torch.uint8
    ).view(3, 1, 1)
    ids = torch.tensor([0, 3, 4, 9, 19])
    pixels = images[ids].numpy().astype(np.float64) / 255
    mean, std = pixel_statistics(ResidentSamples(images, torch.zeros(20)), ids)
    assert mean == pytest.approx(pixels.mean((0, 2, 3)), rel=1e-12)
    assert std == pytest.approx(pixels.std((0, 2, 3)), rel=1e-12)


def test_of_large_images_few_are_held_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    class Recorded(ResidentSamples):
        def __getitem__(self, ids: torch.Tensor):
            asked.append(len(ids))
            return super().__getitem__(ids)

    monkeypatch.setattr(statistics, "_CHUNK", 1000)
    images = torch.arange(6 * 3 * 16 * 16, dtype=torch.int64).to(torch.uint8).view(6, 3, 16, 16)
    pixel_statistics(Recorded(images, torch.zeros(6)), torch.arange(6))
    assert asked == [1] * 6
