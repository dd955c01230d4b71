"""Interrupted anywhere and resumed, a run ends like one that never stopped, bit for bit."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from entreg.__main__ import main
from entreg.runs import Run, open_run, read_predictions
from tests.conftest import TINY

STEPS_PER_EPOCH, EPOCHS = 5, 2
OPTIONS = [
    *TINY,
    "--trainer.callbacks",
    "user_file.KillAt",
    "--observe.every_n_steps",
    "1",
    "--model.loss.schedule",
    "decay",
]
PLACES = [
    *(f"start-{step}" for step in range(1, STEPS_PER_EPOCH * EPOCHS)),
    *(f"end-{step}" for step in range(1, STEPS_PER_EPOCH * EPOCHS + 1)),
    "fit-val-0",
    "fit-val-1",
    "validate-val-2",
    "test",
]

PAPER = """
trainer: {max_epochs: 3, callbacks: [user_file.KillAt, entreg.callbacks.RandomRateOnPlateau]}
model: {schedule: null, optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.005}}}
"""


def state_of(run: Run) -> tuple[dict[str, torch.Tensor], list[list[str]], dict[str, np.ndarray]]:
    weights = torch.load(run.checkpoint("last"), weights_only=True)["state_dict"]
    with run.metrics.open() as file:
        rows = [row[:3] for row in csv.reader(file)]
    predictions = {
        f"{split}-{key}": value
        for split in ("val", "test")
        for key, value in read_predictions(run.predictions(split)).items()
    }
    return weights, rows, predictions


def assert_same(run: Run, reference: Run) -> None:
    weights, rows, predictions = state_of(run)
    expected_weights, expected_rows, expected_predictions = state_of(reference)
    assert all(torch.equal(weights[name], expected_weights[name]) for name in expected_weights)
    assert rows == expected_rows
    assert all(np.array_equal(predictions[key], expected_predictions[key]) for key in expected_predictions)


def newest_run() -> Run:
    return open_run(max(Path("runs").glob("*"), key=lambda path: path.stat().st_mtime))


def killed_then_resumed(place: str, monkeypatch: pytest.MonkeyPatch, *options: str) -> Run:
    before = set(Path("runs").glob("*"))
    monkeypatch.setenv("KILL_AT", place)
    with pytest.raises(BaseException, match=place) as killed:
        main(["fit", *OPTIONS, *options])
    assert type(killed.value).__name__ == "Killed"
    monkeypatch.delenv("KILL_AT")
    (folder,) = set(Path("runs").glob("*")) - before
    assert main(["fit", "--run", str(folder)]) == 0
    return open_run(folder)


@pytest.fixture
def reference(workplace: Path) -> Iterator[Run]:
    assert main(["fit", *OPTIONS, "--checkpoint.every_n_steps", "1"]) == 0
    yield newest_run()
    sys.modules.pop("user_file", None)


# Any four neighbours are in four groups, two of which run by default.
GROUPS = [PLACES[start::4] for start in range(4)]


@pytest.mark.parametrize(
    "places", [*GROUPS[:2], *(pytest.param(group, marks=pytest.mark.long) for group in GROUPS[2:])], ids=range(4)
)
def test_killed_at_any_step(places: list[str], reference: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    for place in places:
        assert_same(killed_then_resumed(place, monkeypatch, "--checkpoint.every_n_steps", "1"), reference)


@pytest.mark.parametrize(
    "options",
    [
        ("--checkpoint.every_n_steps", "3"),
        ("--checkpoint.every_n_steps", "1", "--data.num_workers", "2"),
    ],
)
def test_killed_with_steps_to_repeat_or_with_workers(
    options: tuple[str, ...], reference: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in ("end-5", "start-7"):
        assert_same(killed_then_resumed(place, monkeypatch, *options), reference)


@pytest.mark.parametrize(
    "options",
    [
        ("--trainer.limit_train_batches", "3"),
        ("--trainer.val_check_interval", "2"),
        ("--trainer.accumulate_grad_batches", "2"),
        ("--trainer.check_val_every_n_epoch", "2"),
        ("--config", "paper.yaml"),
    ],
)
def test_other_rhythms(options: tuple[str, ...], workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (workplace / "paper.yaml").write_text(PAPER)
    rest = [option for option in OPTIONS if option not in ("--trainer.callbacks", "user_file.KillAt")]
    chosen = rest if options[0] == "--config" else OPTIONS
    monkeypatch.setattr("tests.system.test_resume.OPTIONS", chosen)
    options = (*options, "--checkpoint.every_n_steps", "1")
    assert main(["fit", *chosen, *options]) == 0
    reference = newest_run()
    first_validation = 1 if "--trainer.check_val_every_n_epoch" in options else 0
    for place in ("end-2", "start-3", f"fit-val-{first_validation}"):
        assert_same(killed_then_resumed(place, monkeypatch, *options), reference)


def test_resuming_a_finished_run_changes_nothing(reference: Run) -> None:
    weights, rows, predictions = state_of(reference)
    assert main(["fit", "--run", str(reference.path)]) == 0
    after = state_of(reference)
    assert all(torch.equal(weights[name], after[0][name]) for name in weights)
    assert rows == after[1]
    assert all(np.array_equal(predictions[key], after[2][key]) for key in predictions)


def test_without_last_the_previous_checkpoint_is_resumed(reference: Run) -> None:
    weights, rows, _ = state_of(reference)
    reference.checkpoint("last").unlink()
    assert main(["fit", "--run", str(reference.path)]) == 0
    after = state_of(reference)
    assert all(torch.equal(weights[name], after[0][name]) for name in weights)
    assert rows == after[1]
