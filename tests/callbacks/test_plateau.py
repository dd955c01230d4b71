from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

from entreg.runs import Run


def test_the_rate_is_drawn_anew_after_an_epoch_without_a_new_best(fit: Callable[..., Run], workplace: Path) -> None:
    (workplace / "plateau.yaml").write_text(
        "trainer: {max_epochs: 6, callbacks: [entreg.callbacks.RandomRateOnPlateau]}\n"
        "model: {schedule: null, optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.005}}}\n"
    )
    options = ("--config", "plateau.yaml", "--trainer.max_epochs", "6", "--observe.every_n_steps", "5")
    run = fit(*options)
    with run.metrics.open() as file:
        rows = list(csv.DictReader(file))
    rates = [float(row["value"]) for row in rows if row["name"] == "lr/net"]
    accuracy = [float(row["value"]) for row in rows if row["name"] == "val/acc"][:6]
    best = float("-inf")
    for epoch, value in enumerate(accuracy[:-1]):
        kept = rates[epoch + 1] == rates[epoch]
        assert kept == (value > best)
        best = max(best, value)
    assert rates[0] == 0.005
    assert len(set(rates)) > 1
    assert all(0 < rate <= 0.005 for rate in rates)
