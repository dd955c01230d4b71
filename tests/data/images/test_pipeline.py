"""What is done to a batch on its device; and that neither workers, residence nor compilation change it."""

from __future__ import annotations

import torch

from entreg.data import Batch, Mix, Warp
from entreg.data.images.augment.warp import warp
from entreg.data.images.pipeline import Pipeline


def batch(n=8):
    image = torch.randint(256, (n, 1, 28, 28), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    return Batch(image, torch.arange(n) % 3, torch.arange(n))


def test_training_warps_by_id_and_normalises():
    pipeline, plain = Pipeline(20, 3, (0.5,), (0.25,), augment=Warp(), seed=4), batch()
    table = Warp().table(20, 28, 28, seed=4, epoch=2)
    expected = (warp(plain.input.float(), table[plain.id]) - 127.5) / 63.75
    torch.testing.assert_close(pipeline.train(plain, epoch=2).input, expected)


def test_evaluation_only_normalises():
    pipeline = Pipeline(20, 3, (0.5,), (0.25,), augment=Warp(), mix=Mix())
    torch.testing.assert_close(pipeline.evaluate(batch()).input, (batch().input.float() - 127.5) / 63.75)


def test_images_are_mixed_last():
    augmented = Pipeline(20, 3, (0.5,), (0.25,), augment=Warp(), seed=1).train(batch(), 0)
    mix = Mix("mixup", 1.0)
    expected = mix(augmented, 3, mix.table(20, seed=1, epoch=0)[0])
    found = Pipeline(20, 3, (0.5,), (0.25,), augment=Warp(), mix=Mix("mixup", 1.0), seed=1).train(batch(), 0)
    assert torch.equal(found.input, expected.input)
    assert torch.equal(found.target, expected.target)


def test_the_tables_of_an_epoch_stay_where_they_are_in_memory():
    pipeline = Pipeline(20, 3, (0.5,), (0.25,), augment=Warp(), mix=Mix())
    first = pipeline.train(batch(), 0)
    places = [table.data_ptr() for table in (pipeline._changes, pipeline._mixes)]
    other = pipeline.train(batch(), 1)
    assert [table.data_ptr() for table in (pipeline._changes, pipeline._mixes)] == places
    assert not torch.equal(first.input, other.input)
    assert torch.equal(pipeline.train(batch(), 0).input, first.input)
