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
