from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import torch
from lightning.pytorch import LightningModule

from entreg.callbacks import RandomRateOnPlateau
from entreg.errors import ConfigError


def rates(accuracies: list[float], callback: RandomRateOnPlateau) -> list[float]:
    """Rate after each validation."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.005)
    found = []
    for epoch, accuracy in enumerate(accuracies):
        trainer = SimpleNamespace(
            state=SimpleNamespace(fn="fit"),
            sanity_checking=False,
            current_epoch=epoch,
            callback_metrics={"val/acc": torch.tensor(accuracy)},
            optimizers=[optimizer],
        )
        callback.on_validation_end(trainer, None)
        found.append(optimizer.param_groups[0]["lr"])
    return found


def test_the_rate_is_drawn_anew_after_an_epoch_without_a_new_best() -> None:
    found = rates([0.5, 0.6, 0.6, 0.7, 0.2, 0.3], RandomRateOnPlateau(seed=3))
    assert found[0] == found[1] == 0.005
    assert found[2] == found[3] != 0.005
    assert len(set(found)) == 4
    assert all(0 < rate <= 0.005 for rate in found)
    assert found == rates([0.5, 0.6, 0.6, 0.7, 0.2, 0.3], RandomRateOnPlateau(seed=3))
    assert found[2] != rates([0.5, 0.6, 0.6], RandomRateOnPlateau(seed=4))[2]


def test_rates_are_uniform_draws_cubed() -> None:
    found = torch.tensor(rates([0.5] * 4000, RandomRateOnPlateau(peak=1.0, seed=0))[1:])
    assert found.mean() == pytest.approx(1 / 4, abs=0.02)


def test_a_resumed_run_knows_its_best() -> None:
    first, resumed = RandomRateOnPlateau(seed=3), RandomRateOnPlateau(seed=3)
    rates([0.6], first)
    resumed.load_state_dict(first.state_dict())
    assert rates([0.5], resumed)[0] != 0.005


def test_a_metric_that_is_not_logged_is_named() -> None:
    trainer: Any = SimpleNamespace(
        state=SimpleNamespace(fn="fit"), sanity_checking=False, callback_metrics={"val/acc": torch.tensor(0.5)}
    )
    with pytest.raises(ConfigError, match=r"RandomRateOnPlateau monitors val/accuracy, expected one of val/acc$"):
        RandomRateOnPlateau(monitor="val/accuracy").on_validation_end(trainer, LightningModule())
