from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from entreg.__main__ import main
from entreg.runs import Run
from tests.callbacks.test_observe import values
from tests.conftest import TINY

SCHEDULED = ("--model.loss", "mix_ent", "--model.loss.schedule", "decay", "--model.loss.constraint", "fixed")
FIXED = (*SCHEDULED, "--model.loss.learn_bases", "false")


def test_a_scheduled_coefficient_follows_the_share_of_training_done(fit: Callable[..., Run]) -> None:
    run = fit(*FIXED, "--observe.every_n_steps", "1", "--evaluate", "false")
    steps = values(run, "loss/coefficient/rce")
    first = steps[0]
    assert [value / first for value in steps.values()] == pytest.approx(
        [1 - step / len(steps) for step in steps], abs=1e-6
    )
    assert set(values(run, "loss/coefficient/ce").values()) == {values(run, "loss/coefficient/ce")[0]}
    state = torch.load(run.checkpoint("last"), weights_only=True)["state_dict"]
    assert 0 < state["loss.coefficients.progress"].item() < 1


def test_a_scheduled_loss_needs_an_end_of_training(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    endless = ("--trainer.max_epochs", "-1", "--model.schedule", "null", "--trainer.max_steps", "-1")
    assert main(["fit", *FIXED, *TINY, *endless]) == 2
    message = "entreg: a scheduled loss needs to know when training ends: set trainer.max_epochs"
    assert capsys.readouterr().err.strip().splitlines()[-1] == message
