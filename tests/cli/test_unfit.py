from __future__ import annotations

import json
from pathlib import Path

import pytest
from lightning.pytorch.callbacks import EarlyStopping

from entreg.__main__ import main
from entreg.cli.unfit import check_callbacks
from entreg.errors import ConfigError
from tests.conftest import TINY
from tests.system.test_cli import one_line_error


@pytest.mark.parametrize(
    ("callback", "advice"),
    [
        ({"class_path": "StochasticWeightAveraging", "init_args": {"swa_lrs": 0.01}}, "use EMAWeightAveraging"),
        ({"class_path": "BatchSizeFinder"}, "set data.batch_size"),
        ({"class_path": "LearningRateFinder"}, "set model.optimizer.init_args.lr"),
        ({"class_path": "ModelPruning", "init_args": {"pruning_fn": "l1_unstructured"}}, "prune in the network's own"),
        ({"class_path": "BackboneFinetuning"}, "freeze parameters in the network's own"),
    ],
    ids=lambda value: value["class_path"] if isinstance(value, dict) else "",
)
def test_callbacks_that_make_a_run_another_are_refused_by_name(
    callback: dict[str, object], advice: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *TINY, "--trainer.callbacks", json.dumps([callback])]) == 2
    error = one_line_error(capsys)
    assert error.startswith(f"entreg: trainer.callbacks: {callback['class_path']} is not supported, as ")
    assert advice in error
    assert not list(workplace.glob("runs/*"))


@pytest.mark.parametrize(
    ("callbacks", "said"),
    [
        (["EMAWeightAveraging", {"save_weights_only": True}], "would keep the weights themselves"),
        ([{"filename": "best"}], "would write best.ckpt or last.ckpt"),
        ([{"save_last": True}], "would write best.ckpt or last.ckpt"),
    ],
)
def test_checkpoints_that_would_hold_something_else_are_refused(
    callbacks: list[object], said: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    classes = [
        {"class_path": given} if isinstance(given, str) else {"class_path": "ModelCheckpoint", "init_args": given}
        for given in callbacks
    ]
    assert main(["fit", *TINY, "--trainer.callbacks", json.dumps(classes)]) == 2
    assert said in one_line_error(capsys)


@pytest.mark.parametrize(
    ("callback", "said"),
    [
        (
            {"class_path": "EarlyStopping", "init_args": {"monitor": "val/acc"}},
            "better the smaller it is: set its mode to max",
        ),
        (
            {"class_path": "ModelCheckpoint", "init_args": {"monitor": "val/nll", "mode": "max", "dirpath": "x"}},
            "better the larger it is: set its mode to min",
        ),
    ],
)
def test_a_callback_that_takes_the_worst_for_the_best_is_refused(
    callback: dict[str, object], said: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *TINY, "--trainer.callbacks", json.dumps([callback])]) == 2
    assert said in one_line_error(capsys)


def test_a_run_that_was_begun_with_such_a_callback_goes_on() -> None:
    with pytest.raises(ConfigError, match="set its mode to max"):
        check_callbacks([EarlyStopping("val/acc")])
    check_callbacks([EarlyStopping("val/acc")], begun=True)


def test_a_monitor_that_nothing_logs_is_refused_before_the_training(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *TINY, "--checkpoint.monitor", "val/f1"]) == 2
    assert "checkpoint.monitor: val/f1 is not logged, expected one of val/acc, val/loss" in one_line_error(capsys)
    assert not list(workplace.glob("runs/*"))


def test_early_stopping_says_so(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    early = {"monitor": "val/acc", "mode": "max", "patience": 1, "min_delta": 1.0}
    callback = json.dumps([{"class_path": "EarlyStopping", "init_args": early}])
    assert main(["fit", *TINY, "--trainer.max_epochs", "5", "--trainer.callbacks", callback]) == 0
    said = capsys.readouterr().out
    assert "stopped early: Monitored metric val/acc did not improve in the last 1 records" in said
    assert "trained 2 epochs" in said


def test_overfitting_a_few_batches_is_refused_with_what_does_that_here(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *TINY, "--trainer.overfit_batches", "2"]) == 2
    assert "to train on a few of them, set data.damage.fraction" in one_line_error(capsys)


@pytest.mark.parametrize(
    ("name", "first"), [("ExponentialLR", "gamma"), ("OneCycleLR", "max_lr"), ("StepLR", "step_size")]
)
def test_a_schedule_that_would_take_steps_for_a_rate_is_refused(
    name: str, first: str, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["fit", *TINY, "--model.schedule", f"torch.optim.lr_scheduler.{name}"]) == 2
    said = one_line_error(capsys)
    assert said.startswith(f"entreg: model.schedule: {name} would take the number of steps for its {first}; expected")
    assert not list(workplace.glob("runs/*"))


@pytest.mark.parametrize("name", ["CosineAnnealingLR", "CosineAnnealingWarmRestarts", "PolynomialLR"])
def test_a_schedule_that_takes_steps_first_trains(name: str, fit) -> None:
    fit("--model.schedule", f"torch.optim.lr_scheduler.{name}", "--trainer.max_epochs", "1", "--evaluate", "false")
