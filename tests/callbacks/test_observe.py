from __future__ import annotations

import csv
import math
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import yaml
from torch import nn

from entreg.callbacks import ObserveLoss
from entreg.data import Batch
from entreg.runs import Run

Fit = Callable[..., Run]
SHORT = ("--trainer.max_epochs", "1", "--evaluate", "false")


def values(run: Run, name: str) -> dict[int, float]:
    with run.metrics.open() as file:
        return {int(row["step"]): float(row["value"]) for row in csv.DictReader(file) if row["name"] == name}


def test_terms_coefficients_and_rates_are_logged_every_n_steps(finished: Run) -> None:
    run = finished
    ce = values(run, "loss/ce")
    assert list(ce) == [0, 2, 4, 6, 8]
    start = {name: values(run, f"loss/{name}")[0] for name in ("weight/rce", "base/rce", "coefficient/rce")}
    assert start["weight/rce"] == pytest.approx(0.943**2, rel=1e-3)
    assert start["coefficient/rce"] == pytest.approx(start["weight/rce"] / math.log(start["base/rce"]), rel=1e-5)
    terms = {name: values(run, f"loss/{name}") for name in ("train", "ce", "entropy", "kl")}
    for step in ce:
        c_ce, c_rce = (values(run, f"loss/coefficient/{name}")[step] for name in ("ce", "rce"))
        total = c_ce * terms["ce"][step] + c_rce * (terms["entropy"][step] + terms["kl"][step])
        assert terms["train"][step] == pytest.approx(total, rel=2e-3)
    assert values(run, "lr/loss")[0] < values(run, "lr/net")[0]


def test_the_gradients_norm_is_that_before_clipping(finished: Run, fit: Fit) -> None:
    free = values(finished, "grad/net")
    options = ("--observe.every_n_steps", "1", "--trainer.gradient_clip_val", "1e-3")
    clipped = values(fit(*options, *SHORT), "grad/net")
    assert list(free) == [0, 2, 4, 6, 8]
    assert list(clipped) == [0, 1, 2, 3, 4]
    assert free[0] == clipped[0] > 1e-3


def test_a_users_loss_that_says_nothing_of_itself_is_fine(fit: Fit) -> None:
    run = fit("--model.loss", "user_file.MyLoss", "--model.loss.scale", "3", *SHORT)
    loss = yaml.safe_load(run.config.read_text())["model"]["loss"]
    assert loss == {"class_path": "user_file.MyLoss", "init_args": {"scale": 3.0}}
    assert values(run, "loss/train")
    assert not values(run, "loss/ce")


def test_a_collapse_is_reported_once(fit: Fit) -> None:
    with pytest.warns(UserWarning, match="the loss is collapsing: all its coefficients fell below 50%") as caught:
        fit("--model.loss_lr", "0.3", "--observe.collapse", "0.5", "--evaluate", "false")
    assert sum("collapsing" in str(warning.message) for warning in caught) == 1


def test_the_row_of_a_step_is_logged_before_its_checkpoint_is_made() -> None:
    """A checkpoint notes how long the log is: the row, which is read one step late, must be in it."""
    rows: list[tuple[int, dict[str, float]]] = []
    logger = SimpleNamespace(log_metrics=lambda row, step: rows.append((step, row)))
    module = nn.ModuleDict({"net": nn.Linear(2, 2), "loss": nn.CrossEntropyLoss()})
    trainer: Any = SimpleNamespace(global_step=1, accumulate_grad_batches=1, is_last_batch=False, loggers=[logger])
    observe = ObserveLoss(1)
    outputs = {"value": torch.tensor(0.5), "logits": torch.zeros(1, 2)}
    batch = Batch(torch.zeros(1, 2), torch.tensor([0]), torch.tensor([0]))
    observe.on_train_batch_end(trainer, module, outputs, batch, 0)  # type: ignore[arg-type]
    assert rows == []
    observe.state_dict()
    assert rows == [(0, {"loss/train": 0.5})]


def test_steps_between_rows_are_a_number() -> None:
    with pytest.raises(ValueError, match=r"^observe.every_n_steps is a number >= 1, got 0$"):
        ObserveLoss(every_n_steps=0)
