"""Samples in memory: gathered by ids, told apart by digests, moved to another device."""

from __future__ import annotations

import torch

from entreg.data.samples import ResidentSamples

INPUTS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
TARGETS = torch.tensor([0, 1, 2, 0, 1, 2])


def test_a_batch_is_inputs_targets_and_ids_in_the_order_asked_for() -> None:
    samples, ids = ResidentSamples(INPUTS, TARGETS), torch.tensor([4, 0])
    batch = samples[ids]
    assert torch.equal(batch.input, torch.stack([INPUTS[4], INPUTS[0]]))
    assert batch.target.tolist() == [1, 0]
    assert batch.id.tolist() == [4, 0]
    assert (len(samples), samples.input_shape) == (6, (3,))


def test_a_digest_tells_inputs_targets_and_ids_apart() -> None:
    ids = torch.arange(6)
    digests = [
        ResidentSamples(INPUTS, TARGETS).digest(ids),
        ResidentSamples(-INPUTS, TARGETS).digest(ids),
        ResidentSamples(INPUTS, TARGETS.flip(0)).digest(ids),
        ResidentSamples(INPUTS, TARGETS).digest(ids[:5]),
        ResidentSamples(torch.cat([INPUTS[5:], INPUTS[:5]]), TARGETS.roll(1)).digest(ids.roll(-1)),
    ]
    assert len(set(digests)) == 5
    assert ResidentSamples(INPUTS, TARGETS).digest(ids) == digests[0]


def test_samples_are_gathered_where_they_are() -> None:
    samples = ResidentSamples(INPUTS, TARGETS)
    samples.to(torch.device("meta"))  # any other device
    batch = samples[torch.tensor([2, 0])]
    assert {part.device.type for part in batch} == {"meta"}
    assert samples.targets is TARGETS
