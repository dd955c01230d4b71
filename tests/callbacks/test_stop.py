from __future__ import annotations

import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from entreg.callbacks import LastCheckpoint, StopOnSignal, Stopped
from entreg.runs import Run


@pytest.mark.parametrize("others", [0, signal.SIGTERM])
def test_processes_agree_on_the_signal_however_many_received_it(others: int, tmp_path: Path) -> None:
    def reduce(received: torch.Tensor, reduce_op: str) -> torch.Tensor:
        both = torch.stack([received, torch.tensor(others)])
        return {"max": both.amax(), "sum": both.sum(), "mean": both.float().mean()}[reduce_op]

    strategy = SimpleNamespace(root_device=torch.device("cpu"), reduce=reduce)
    trainer: Any = SimpleNamespace(world_size=2, strategy=strategy)
    stop = StopOnSignal(LastCheckpoint(Run(tmp_path)))
    stop.received = signal.SIGTERM
    with pytest.raises(Stopped, match="stopped by SIGTERM after training") as stopped:
        stop.check(trainer)
    assert stopped.value.signum == signal.SIGTERM
