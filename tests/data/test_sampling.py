"""The order of samples, and resuming inside an epoch."""

from itertools import chain

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entreg.data.samples import ResidentSamples
from entreg.data.sampling import EvalSampler, TrainLoader, TrainSampler, counter_generator, counter_seed

IDS = torch.arange(100, 153)  # 53 samples: 6 batches of 8, 5 samples left over


def batches(sampler, epoch=0):
    sampler.set_epoch(epoch)
    return [ids.tolist() for ids in sampler]


def train_loader(num_workers=0, seed=3):
    dataset = ResidentSamples(torch.arange(200).view(-1, 1, 1, 1).to(torch.uint8), torch.arange(200) % 7)
    return TrainLoader(dataset, TrainSampler(IDS, 8, seed=seed), num_workers=num_workers)


def loaded(loader, epoch):
    loader.sampler.set_epoch(epoch)
    return [batch.id.tolist() for batch in loader]


def test_an_epoch_repeats_no_sample_and_drops_the_incomplete_batch():
    sampler = TrainSampler(IDS, 8, seed=0)
    seen = batches(sampler, epoch=7)
    assert [len(batch) for batch in seen] == [8] * 6
    assert len(sampler) == 6
    flat = list(chain(*seen))
    assert len(set(flat)) == 48
    assert set(flat) <= set(IDS.tolist())


def test_an_epoch_of_whole_batches_is_a_permutation():
    flat = list(chain(*batches(TrainSampler(IDS[:48], 8, seed=0))))
    assert sorted(flat) == IDS[:48].tolist()
    assert flat != IDS[:48].tolist()


def test_order_is_a_function_of_seed_and_epoch():
    first = batches(TrainSampler(IDS, 8, seed=0), epoch=4)
    assert first == batches(TrainSampler(IDS, 8, seed=0), epoch=4)
    assert first != batches(TrainSampler(IDS, 8, seed=0), epoch=5)
    assert first != batches(TrainSampler(IDS, 8, seed=1), epoch=4)


@pytest.mark.parametrize("world_size", [2, 4])
def test_a_global_batch_is_the_same_set_for_any_world_size(world_size):
    whole = batches(TrainSampler(IDS, 8, seed=0), epoch=2)
    ranks = [batches(TrainSampler(IDS, 8, 0, rank, world_size), epoch=2) for rank in range(world_size)]
    assert all(len(batch) == 8 // world_size for rank in ranks for batch in rank)
    for parts, expected in zip(zip(*ranks, strict=True), whole, strict=True):
        assert sorted(chain(*parts)) == sorted(expected)


def test_the_last_incomplete_batch_depends_on_the_epoch():
    sampler = TrainSampler(IDS, 8, seed=0)
    left_out = {frozenset(IDS.tolist()).difference(*batches(sampler, epoch)) for epoch in range(4)}
    assert len(left_out) == 4


@pytest.mark.parametrize(("num_workers", "stops"), [(0, range(7)), (2, [0, 3, 6])])
def test_resuming_at_any_batch_gives_the_rest_of_the_epoch(num_workers, stops):
    whole = loaded(train_loader(), epoch=2)
    for done in stops:
        running = train_loader()
        running.sampler.set_epoch(2)
        iterator = iter(running)
        for _ in range(done):
            next(iterator)
        assert running.state_dict() == {"epoch": 2, "batch": done}
        resumed = train_loader(num_workers)
        resumed.load_state_dict(running.state_dict())
        assert [batch.id.tolist() for batch in resumed] == whole[done:]


def test_state_survives_a_resume_that_yields_nothing():
    loader = train_loader()
    loader.load_state_dict({"epoch": 2, "batch": 4})
    assert loader.state_dict() == {"epoch": 2, "batch": 4}


def test_state_between_epochs_is_the_start_of_the_next():
    loader = train_loader()
    loaded(loader, epoch=2)
    loader.sampler.set_epoch(3)
    assert loader.state_dict() == {"epoch": 3, "batch": 0}


def test_state_counts_from_the_start_of_the_epoch_after_a_resume():
    loader = train_loader()
    loader.load_state_dict({"epoch": 2, "batch": 4})
    next(iter(loader))
    assert loader.state_dict() == {"epoch": 2, "batch": 5}


def test_setting_the_resumed_epoch_keeps_its_start():
    loader = train_loader()
    loader.load_state_dict({"epoch": 2, "batch": 4})
    assert loaded(loader, epoch=2) == loaded(train_loader(), epoch=2)[4:]


@pytest.mark.parametrize("batch", [3, 6])
def test_setting_another_epoch_starts_at_its_first_batch(batch):
    loader = train_loader()
    loader.load_state_dict({"epoch": 2, "batch": batch})
    assert loaded(loader, epoch=3) == loaded(train_loader(), epoch=3)


@pytest.mark.parametrize("epoch", [2, 3])
def test_a_start_is_used_once(epoch):
    loader = train_loader()
    loader.load_state_dict({"epoch": 2, "batch": 4})
    assert len(list(loader)) == 2
    assert loaded(loader, epoch) == loaded(train_loader(), epoch)


def test_workers_change_no_batch():
    inline, workers = train_loader(0), train_loader(2)
    for epoch in (0, 1):
        inline.sampler.set_epoch(epoch)
        workers.sampler.set_epoch(epoch)
        for mine, theirs in zip(inline, workers, strict=True):
            assert all(torch.equal(a, b) for a, b in zip(mine, theirs, strict=True))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 80), st.integers(1, 20), st.integers(1, 5))
def test_evaluation_covers_each_id_once_over_all_ranks(n, batch_size, world_size):
    ids = torch.arange(n) * 3 + 1
    ranks = [EvalSampler(ids, batch_size, rank, world_size) for rank in range(world_size)]
    seen = [[batch.tolist() for batch in sampler] for sampler in ranks]
    assert sorted(chain(*chain(*seen))) == ids.tolist()
    assert [len(sampler) for sampler in ranks] == [len(rank) for rank in seen]
    assert all(len(batch) <= batch_size for rank in seen for batch in rank)
    sizes = [sum(map(len, rank)) for rank in seen]
    assert max(sizes) - min(sizes) <= 1


def test_evaluation_in_one_process_keeps_the_order():
    assert torch.cat(list(EvalSampler(IDS, 8))).tolist() == IDS.tolist()


def test_counter_seed_is_the_same_on_every_machine():
    assert counter_seed(0, 1, "order") == 5305612505841276476
    assert counter_seed(0, 0, "augment") == 7092466770296240608


def test_different_counters_give_different_seeds():
    counters = [(seed, epoch, name) for seed in range(20) for epoch in range(20) for name in ("order", "augment")]
    seeds = {counter_seed(*counter) for counter in counters}
    assert len(seeds) == len(counters)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert counter_seed(1, 23) != counter_seed(12, 3) != counter_seed(123)


def test_counter_generator_is_seeded_with_the_counters():
    first, again, other = (torch.rand(4, generator=counter_generator(0, n)) for n in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
