"""What every augmentation promises: numbers by (seed, epoch, id), images by their own row alone."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entreg.data import Augment, FlipCrop, ResizedCrop, Warp

KINDS = [Warp(), FlipCrop(), FlipCrop(padding_mode="zeros", cutout=9), ResizedCrop()]
each = pytest.mark.parametrize("augment", KINDS, ids=str)


def random_images(n: int, channels: int, height: int, width: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(256, (n, channels, height, width), generator=generator, dtype=torch.uint8)


@each
def test_a_table_is_a_function_of_seed_and_epoch(augment: Augment) -> None:
    first = augment.table(100, 28, 28, seed=5, epoch=2)
    assert torch.equal(first, augment.table(100, 28, 28, seed=5, epoch=2))
    for seed, epoch in ((5, 3), (6, 2)):
        other = augment.table(100, 28, 28, seed=seed, epoch=epoch)
        assert (first != other).flatten(1).any(1).sum() >= 95  # of 162 shifts with and without mirroring, few agree


@each
def test_a_table_leaves_the_global_generator_alone(augment: Augment) -> None:
    before = torch.get_rng_state()
    augment.table(10, 28, 28, seed=0, epoch=0)
    assert torch.equal(torch.get_rng_state(), before)


@each
@settings(max_examples=15, deadline=None)
@given(st.integers(0, 39), st.integers(1, 40), st.integers(1, 3))
def test_an_image_does_not_depend_on_the_batch_or_the_process_it_is_in(
    augment: Augment, start: int, length: int, processes: int
) -> None:
    images, table = random_images(40, 3, 27, 29), augment.table(40, 27, 29, seed=0, epoch=0)
    before = images.clone()
    share = slice(start, start + length, processes)
    assert torch.equal(augment.apply(images, table)[share], augment.apply(images[share], table[share]))
    assert torch.equal(images, before)


@pytest.mark.slow
@each
def test_it_compiles_without_a_break(augment: Augment) -> None:
    images, table = random_images(8, 3, 28, 28), augment.table(8, 28, 28, seed=0, epoch=0)
    compiled = torch.compile(augment.apply, fullgraph=True)
    torch.testing.assert_close(compiled(images, table), augment.apply(images, table), rtol=1e-4, atol=1e-2)
