from __future__ import annotations

from types import SimpleNamespace

import pytest
import torch

from entreg.callbacks import Throughput
from entreg.data import Batch

BATCH = Batch(torch.zeros(8, 1, 2, 2), torch.zeros(8, dtype=torch.long), torch.arange(8))


def test_validation_is_left_out_and_all_processes_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("time.perf_counter", lambda: clock.now)
    trainer, throughput = SimpleNamespace(world_size=2), Throughput()
    assert throughput.samples_per_second is None
    throughput.on_train_epoch_start(trainer, None)
    for _ in range(3):
        throughput.on_train_batch_start(trainer, None, BATCH, 0)
        clock.now += 0.5
        throughput.on_train_batch_end(trainer, None, None, BATCH, 0)
    throughput.on_validation_start(trainer, None)
    clock.now += 100.0
    throughput.on_train_batch_start(trainer, None, BATCH, 0)
    clock.now += 0.5
    throughput.on_train_batch_end(trainer, None, None, BATCH, 0)
    assert throughput.seconds == 2.0
    assert throughput.samples == 4 * 8 * 2
    resumed = Throughput()
    resumed.load_state_dict(throughput.state_dict())
    assert resumed.samples_per_second == 32.0
