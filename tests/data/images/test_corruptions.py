"""The corruption suite: stronger with severity, independent of the batch, equal to what each name says."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy import ndimage

from entreg.data import Corruptions
from entreg.data.evaluation_sets import SEVERITIES, named_corruptions
from entreg.errors import ConfigError

NAMES = pytest.mark.parametrize("name", Corruptions.names)


def images(n=12, channels=1, size=28):
    """Blobs of ink on black, as letters are."""
    generator = torch.Generator().manual_seed(0)
    low = torch.rand(n, channels, 5, 5, generator=generator)
    blobs = torch.nn.functional.interpolate(low, (size, size), mode="bicubic").clamp(0, 1)
    return (255 * blobs).round()


@NAMES
def test_damage_grows_with_severity_and_stays_a_picture(name):
    corrupt, clean, ids = Corruptions(12, seed=0), images(), torch.arange(12)
    distances = []
    for severity in SEVERITIES:
        damaged = corrupt(name, severity, clean, ids)
        assert damaged.shape == clean.shape
        assert damaged.min() >= -1e-3
        assert damaged.max() <= 255 + 1e-3
        distances.append((damaged - clean).square().mean().item())
    assert distances[0] > 0
    assert all(stronger > weaker for weaker, stronger in pairwise(distances))


@NAMES
def test_a_sample_does_not_depend_on_its_batch(name):
    corrupt, clean = Corruptions(12, seed=3), images(channels=3)
    together = corrupt(name, 4, clean, torch.arange(12))
    for ids in (torch.tensor([7]), torch.tensor([11, 2, 5])):
        assert torch.allclose(corrupt(name, 4, clean[ids], ids), together[ids], rtol=0, atol=1e-3)


@pytest.mark.parametrize("name", ["rotation", "translation", "noise", "occlusion"])
def test_damage_is_a_function_of_seed_and_id(name):
    clean, ids = images(1).repeat(12, 1, 1, 1), torch.arange(12)
    first = Corruptions(12, seed=0)(name, 3, clean, ids)
    assert torch.equal(first, Corruptions(12, seed=0)(name, 3, clean, ids))
    assert not torch.equal(first, Corruptions(12, seed=1)(name, 3, clean, ids))
    assert len({image.numpy().tobytes() for image in first}) > 1


def test_contrast_keeps_the_mean_and_shrinks_the_spread():
    clean = images()
    damaged = Corruptions(12, seed=0)("contrast", 3, clean, torch.arange(12))
    torch.testing.assert_close(damaged.mean((1, 2, 3)), clean.mean((1, 2, 3)))
    torch.testing.assert_close(damaged.std((1, 2, 3)), 0.40 * clean.std((1, 2, 3)))


def test_noise_has_the_deviation_it_says():
    grey = torch.full((200, 1, 28, 28), 127.5)
    damaged = Corruptions(200, seed=0)("noise", 1, grey, torch.arange(200))
    assert (damaged - grey).std().item() / 255 == pytest.approx(0.1, rel=0.02)
    assert (damaged - grey).mean().item() == pytest.approx(0, abs=0.3)


def test_occlusion_hides_a_square_of_the_side_it_says():
    white = torch.full((50, 1, 28, 28), 255.0)
    damaged = Corruptions(50, seed=0)("occlusion", 5, white, torch.arange(50))
    assert (damaged == 0).sum((1, 2, 3)).tolist() == [round(0.52 * 28) ** 2] * 50


def test_blur_is_scipys_gaussian_away_from_the_border():
    clean = images(1, size=56)
    damaged = Corruptions(1, seed=0)("blur", 2, clean, torch.arange(1))[0, 0].numpy()
    expected = ndimage.gaussian_filter(clean[0, 0].numpy().astype(np.float64), 0.029 * 56, truncate=3.2)
    assert np.abs(damaged - expected)[8:-8, 8:-8].max() < 0.5


def test_translation_moves_the_ink_by_the_length_it_says():
    dot = torch.zeros(40, 1, 27, 27)
    dot[:, :, 13, 13] = 255
    damaged = Corruptions(40, seed=0)("translation", 5, dot, torch.arange(40))[:, 0]
    y, x = torch.meshgrid(torch.arange(27.0), torch.arange(27.0), indexing="ij")
    mass = damaged.sum((1, 2))
    moved = torch.hypot((damaged * x).sum((1, 2)) / mass - 13, (damaged * y).sum((1, 2)) / mass - 13)
    torch.testing.assert_close(moved, torch.full((40,), 0.2 * 27), rtol=0, atol=0.02)


def test_an_empty_batch_stays_empty():
    for name in Corruptions.names:
        assert Corruptions(5, seed=0)(name, 1, torch.zeros(0, 1, 28, 28), torch.arange(0)).shape == (0, 1, 28, 28)


def test_names_are_checked_and_all_stands_for_all():
    assert named_corruptions(["all"], Corruptions.names) == Corruptions.names
    assert named_corruptions(["noise", "blur"], Corruptions.names) == ("noise", "blur")
    with pytest.raises(ConfigError, match=r"data.corruptions: got 'fog', expected \[all\] or some of rotation"):
        named_corruptions(["fog"], Corruptions.names)
