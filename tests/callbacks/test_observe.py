from __future__ import annotations

import csv
import math
from collections.abc import Callable

import pytest

from entreg.runs import Run


def values(run: Run, name: str) -> dict[int, float]:
    with run.metrics.open() as file:
        return {int(row["step"]): float(row["value"]) for row in csv.DictReader(file) if row["name"] == name}


def test_terms_coefficients_and_rates_are_logged_every_n_steps(fit: Callable[..., Run]) -> None:
    run = fit("--model.loss", "mix_ent", "--observe.every_n_steps", "3")
    ce = values(run, "loss/ce")
    assert list(ce) == [0, 3, 6, 9]
    start = {name: values(run, f"loss/{name}")[0] for name in ("weight/rce", "base/rce", "coefficient/rce")}
    assert start["weight/rce"] == pytest.approx(0.943**2, rel=1e-3)
    assert start["coefficient/rce"] == pytest.approx(start["weight/rce"] / math.log(start["base/rce"]), rel=1e-5)
    terms = {name: values(run, f"loss/{name}") for name in ("train", "ce", "entropy", "kl")}
    for step in ce:
        c_ce, c_rce = (values(run, f"loss/coefficient/{name}")[step] for name in ("ce", "rce"))
        total = c_ce * terms["ce"][step] + c_rce * (terms["entropy"][step] + terms["kl"][step])
        assert terms["train"][step] == pytest.approx(total, rel=2e-3)
    assert values(run, "lr/loss")[0] < values(run, "lr/net")[0]


def test_the_gradients_norm_is_that_before_clipping(fit: Callable[..., Run]) -> None:
    free = values(fit("--observe.every_n_steps", "1"), "grad/net")
    clipped = values(fit("--observe.every_n_steps", "1", "--trainer.gradient_clip_val", "1e-3"), "grad/net")
    assert list(free) == list(range(10))
    assert free[0] == clipped[0] > 1e-3


def test_a_loss_that_says_nothing_of_itself_is_fine(fit: Callable[..., Run]) -> None:
    run = fit("--model.loss", "user_file.MyLoss")
    assert values(run, "loss/train")
    assert not values(run, "loss/ce")


def test_a_collapse_is_reported_once(fit: Callable[..., Run]) -> None:
    with pytest.warns(UserWarning, match="the loss is collapsing: all its coefficients fell below 50%") as caught:
        fit("--model.loss_lr", "0.3", "--observe.collapse", "0.5", "--observe.every_n_steps", "1")
    assert sum("collapsing" in str(warning.message) for warning in caught) == 1
