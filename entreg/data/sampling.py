"""The order of samples as a function of (seed, epoch), and a loader that resumes inside an epoch."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler


def counter_seed(*counters: int | str) -> int:
    """Map counters to a 63-bit seed, the same on every machine: all randomness here is a function of counters.

    Example:
        >>> counter_seed(0, 1, "order") == counter_seed(0, 1, "order") != counter_seed(0, 2, "order")
        True
    """
    digest = hashlib.blake2b(repr(counters).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def counter_generator(*counters: int | str) -> torch.Generator:
    """Return a CPU generator seeded with :func:`counter_seed`."""
    return torch.Generator().manual_seed(counter_seed(*counters))


class TrainSampler(Sampler[Tensor]):
    """Batches of sample ids for one rank; a global batch holds the same samples for any world size.

    Epoch ``e`` is a permutation drawn from ``(seed, e)``, cut into global batches; rank ``r`` of ``W`` takes every
    ``W``-th sample of each from the ``r``-th. The incomplete last batch is left out.

    Args:
        ids: ids of the training samples, ``(N,)``.
        batch_size: samples of one optimizer step over all ranks, a multiple of ``world_size``.
        seed: seed of the run.
        rank: index of this process.
        world_size: number of processes.
        device: where the ids are wanted; those of an epoch are copied there at once.

    Attributes:
        epoch: epoch whose order is drawn, set by Lightning through ``set_epoch``.
        start: batch at which the next iteration begins; back to 0 once used.
        position: batches of this epoch that the loader has handed out.
    """

    def __init__(
        self,
        ids: Tensor,
        batch_size: int,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
        device: torch.device = torch.device("cpu"),  # noqa: B008 - immutable
    ) -> None:
        self.ids = ids
        self.device = device
        self.batch_size = batch_size
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self.epoch = self.start = self.position = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the epoch of the next iteration; another epoch than the one resumed in begins at its start."""
        if epoch != self.epoch:
            self.epoch, self.start, self.position = epoch, 0, 0

    def __len__(self) -> int:
        return len(self.ids) // self.batch_size

    def __iter__(self) -> Iterator[Tensor]:
        order = torch.randperm(len(self.ids), generator=counter_generator(self.seed, self.epoch, "order"))
        start, self.start = self.start, 0
        for batch in self.ids[order].to(self.device).split(self.batch_size)[start : len(self)]:
            yield batch[self.rank :: self.world_size]


class EpochIds(NamedTuple):
    """Ids of samples that training sees differently in each epoch.

    Attributes:
        epoch: number of the epoch.
        ids: ``(M,)`` int64.
    """

    epoch: int
    ids: Tensor


class EpochSampler(TrainSampler):
    """Batches as of :class:`TrainSampler`, each told its epoch: workers would not know otherwise."""

    def __iter__(self) -> Iterator[EpochIds]:  # type: ignore[override]
        return (EpochIds(self.epoch, ids) for ids in super().__iter__())


class EvalSampler(Sampler[Tensor]):
    """Batches of all ids, each exactly once over all ranks and none padded; all ranks have the same number of batches.

    A batch has at most ``batch_size`` samples; a rank whose share is smaller than the others' may have an empty one.
    """

    def __init__(self, ids: Tensor, batch_size: int, rank: int = 0, world_size: int = 1) -> None:
        largest_share = -(-len(ids) // world_size)
        self.batches = ids[rank::world_size].tensor_split(max(1, -(-largest_share // batch_size)))

    def __len__(self) -> int:
        return len(self.batches)

    def __iter__(self) -> Iterator[Tensor]:
        return iter(self.batches)


class TrainLoader(DataLoader[Any]):
    """A DataLoader that can go on inside an epoch: its ``state_dict`` is the epoch and the batches handed out.

    Without workers it gathers the batches itself, without what a DataLoader does around that.
    """

    sampler: TrainSampler

    def __init__(self, dataset: Dataset[Any], sampler: TrainSampler, **kwargs: Any) -> None:
        super().__init__(dataset, batch_size=None, sampler=sampler, **kwargs)

    def __iter__(self) -> Iterator[Any]:  # type: ignore[override]
        self.sampler.position = self.sampler.start
        batches = (
            super().__iter__() if self.num_workers or self.pin_memory else map(self.dataset.__getitem__, self.sampler)
        )
        for batch in batches:
            self.sampler.position += 1  # counted here, as workers run ahead of what is used
            yield batch

    def state_dict(self) -> dict[str, int]:
        """Where to go on."""
        return {"epoch": self.sampler.epoch, "batch": self.sampler.position}

    def load_state_dict(self, state: dict[str, int]) -> None:
        """Go on from ``state`` at the next iteration."""
        self.sampler.epoch = state["epoch"]
        self.sampler.start = self.sampler.position = state["batch"]
