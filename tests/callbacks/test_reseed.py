from __future__ import annotations

from types import SimpleNamespace

import torch

from entreg.callbacks import Reseed


def drawn(seed: int, epoch: int, batch: int, rank: int) -> torch.Tensor:
    strategy = SimpleNamespace(root_device=torch.device("cpu"))
    trainer = SimpleNamespace(current_epoch=epoch, global_rank=rank, strategy=strategy)
    Reseed(seed).on_train_batch_start(trainer, None, None, batch)
    return torch.rand(4)


def test_draws_are_a_function_of_seed_epoch_batch_and_rank() -> None:
    reference = drawn(0, 1, 2, 0)
    torch.rand(100)
    assert torch.equal(reference, drawn(0, 1, 2, 0))
    for counters in ((1, 1, 2, 0), (0, 2, 2, 0), (0, 1, 3, 0), (0, 1, 2, 1)):
        assert not torch.equal(reference, drawn(*counters))
