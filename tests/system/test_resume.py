"""Interrupted anywhere and resumed, a run ends like one that never stopped, bit for bit."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from entreg.__main__ import main
from entreg.runs import Run, open_run, read_predictions, read_summary
from tests.conftest import TINY, working_in

STEPS_PER_EPOCH, EPOCHS = 5, 2
OPTIONS = [*TINY, "--observe.every_n_steps", "1", "--model.loss.schedule", "decay"]
SNAPSHOTS = [*OPTIONS, "--trainer.callbacks", "user_file.Snapshots", "--checkpoint.every_n_steps", "1"]
SNAPSHOTS += ["--checkpoint.keep", "all"]
PLACES = [
    *(f"start-{step}" for step in range(1, STEPS_PER_EPOCH * EPOCHS)),
    *(f"end-{step}" for step in range(1, STEPS_PER_EPOCH * EPOCHS + 1)),
    "fit-val-0",
    "fit-val-1",
    "validate-val-2",
    "test",
]

PAPER = """
trainer: {max_epochs: 3, callbacks: [user_file.Snapshots, entreg.callbacks.RandomRateOnPlateau, EMAWeightAveraging]}
model: {schedule: null, optimizer: {class_path: torch.optim.Adam, init_args: {lr: 0.005}}}
"""


def state_of(run: Run) -> tuple[dict[str, torch.Tensor], list[list[str]], dict[str, np.ndarray]]:
    checkpoint = torch.load(run.checkpoint("last"), weights_only=True)
    trained = checkpoint.get("current_model_state", {})  # where "state_dict" is an average
    weights = checkpoint["state_dict"] | {f"trained.{name}": value for name, value in trained.items()}
    with run.metrics.open() as file:
        rows = [row[:3] for row in csv.reader(file)]
    predictions = {
        f"{split}-{key}": value
        for split in ("val", "test")
        if run.predictions(split).exists()
        for key, value in read_predictions(run.predictions(split)).items()
    }
    return weights, rows, predictions


def assert_same(run: Run, reference: Run) -> None:
    weights, rows, predictions = state_of(run)
    expected_weights, expected_rows, expected_predictions = state_of(reference)
    assert all(torch.equal(weights[name], expected_weights[name]) for name in expected_weights)
    assert rows == expected_rows
    assert predictions.keys() == expected_predictions.keys()
    assert all(np.array_equal(predictions[key], expected_predictions[key]) for key in expected_predictions)


def fit_with_snapshots(folder: Path, *options: str) -> Run:
    """A run that nothing disturbs, and in ``folder/snapshots/PLACE`` what a kill at each place would have left."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SNAPSHOTS", str(folder / "snapshots"))
        assert main(["fit", *options, "--runs", str(folder / "runs")]) == 0
    (path,) = (folder / "runs").glob("*")
    return open_run(path)


def resumed(folder: Path, place: str) -> Run:
    (path,) = (folder / "snapshots" / place).iterdir()
    assert main(["fit", "--run", str(path)]) == 0
    return open_run(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, strokes_root: Path) -> Iterator[Run]:
    folder = tmp_path_factory.mktemp("whole")
    with working_in(folder, strokes_root):
        yield fit_with_snapshots(folder, *SNAPSHOTS)


@pytest.fixture
def whole_copy(whole: Run, workplace: Path) -> Run:
    return open_run(shutil.copytree(whole.path, workplace / "runs" / whole.path.name))


# Any four neighbours are in four groups, one of which runs by default.
GROUPS = [PLACES[start::4] for start in range(4)]


@pytest.mark.parametrize(
    "places", [GROUPS[0], *(pytest.param(group, marks=pytest.mark.long) for group in GROUPS[1:])], ids=range(4)
)
def test_killed_at_any_step(places: list[str], whole: Run) -> None:
    for place in places:
        assert_same(resumed(whole.path.parents[1], place), whole)


@pytest.mark.parametrize(
    ("options", "places"),
    [
        (["--checkpoint.every_n_steps", "3"], ["end-5", "start-7"]),
        (["--data.num_workers", "2"], ["start-7"]),
    ],
)
def test_killed_with_steps_to_repeat_or_with_workers(
    options: list[str], places: list[str], whole: Run, workplace: Path
) -> None:
    assert_same(fit_with_snapshots(workplace, *SNAPSHOTS, *options), whole)
    for place in places:
        assert_same(resumed(workplace, place), whole)


@pytest.mark.parametrize(
    "options",
    [
        pytest.param(("--trainer.limit_train_batches", "3"), marks=pytest.mark.long),
        pytest.param(("--trainer.val_check_interval", "2"), marks=pytest.mark.long),
        pytest.param(("--trainer.accumulate_grad_batches", "2"), marks=pytest.mark.long),
        pytest.param(
            ("--trainer.accumulate_grad_batches", "2", "--trainer.val_check_interval", "3"), marks=pytest.mark.long
        ),
        pytest.param(("--trainer.check_val_every_n_epoch", "2"), marks=pytest.mark.long),
        ("--config", "paper.yaml"),
    ],
)
def test_other_rhythms(options: tuple[str, ...], workplace: Path) -> None:
    (workplace / "paper.yaml").write_text(PAPER)
    chosen = OPTIONS if options[0] == "--config" else SNAPSHOTS
    run = fit_with_snapshots(workplace, *chosen, *options, "--checkpoint.every_n_steps", "1", "--evaluate", "false")
    first_validation = 1 if "--trainer.check_val_every_n_epoch" in options else 0
    for place in ("end-2", "start-3", f"fit-val-{first_validation}"):
        assert_same(resumed(workplace, place), run)


EARLY = """
trainer:
  max_epochs: 4
  callbacks:
  - user_file.Snapshots
  - class_path: EarlyStopping
    init_args: {monitor: val/acc, mode: max, patience: 1, min_delta: 1.0}
"""


def test_what_early_stopping_ends_goes_on_from_anywhere_and_stays_ended(workplace: Path) -> None:
    (workplace / "early.yaml").write_text(EARLY)
    rhythm = ["--checkpoint.every_n_steps", str(STEPS_PER_EPOCH), "--checkpoint.keep", "all"]
    run = fit_with_snapshots(workplace, *OPTIONS, *rhythm, "--config", "early.yaml")
    assert read_summary(run)["epochs"] == 2
    for place in ("start-7", "validate-val-2", "test"):  # of the first the last checkpoint is that of a validation
        assert_same(resumed(workplace, place), run)
    before = run.checkpoint("last").read_bytes()
    assert main(["fit", "--run", str(run.path)]) == 0
    assert run.checkpoint("last").read_bytes() == before
    assert read_summary(run)["epochs"] == 2


def test_gradients_summed_by_a_schedule_are_so_after_a_stop_in_an_epoch(workplace: Path) -> None:
    (workplace / "schedule.yaml").write_text(
        "trainer:\n  callbacks:\n  - user_file.Snapshots\n  - class_path: GradientAccumulationScheduler\n"
        "    init_args: {scheduling: {0: 2}}\nmodel: {schedule: null}\n"
    )
    rhythm = ["--checkpoint.every_n_steps", "1", "--evaluate", "false", "--model.loss.schedule", "constant"]
    run = fit_with_snapshots(workplace, *OPTIONS, *rhythm, "--config", "schedule.yaml")
    for place in ("start-2", "end-1"):
        assert_same(resumed(workplace, place), run)


def test_an_exception_and_a_kill_leave_the_same(whole: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KILL_AT", "start-7")
    options = [*OPTIONS, "--trainer.callbacks", "user_file.KillAt", "--checkpoint.every_n_steps", "3"]
    with pytest.raises(BaseException, match="start-7") as killed:
        main(["fit", *options])
    assert type(killed.value).__name__ == "Killed"
    monkeypatch.delenv("KILL_AT")
    (folder,) = Path("runs").glob("*")
    killed = open_run(folder)
    begun, ended = read_summary(killed), read_summary(whole)
    assert begun["finished"] is False
    assert begun["data"] == {key: ended["data"][key] for key in ("name", "train", "val", "test")}
    assert main(["fit", "--run", str(folder)]) == 0
    assert_same(killed, whole)
    assert [start["step"] for start in read_summary(killed)["history"]] == [0, 6]


def test_resuming_a_finished_run_changes_nothing(whole: Run, whole_copy: Run) -> None:
    assert main(["fit", "--run", str(whole_copy.path)]) == 0
    assert_same(whole_copy, whole)


def test_without_last_the_previous_checkpoint_is_resumed(whole: Run, whole_copy: Run) -> None:
    whole_copy.checkpoint("last").unlink()
    assert main(["fit", "--run", str(whole_copy.path)]) == 0
    assert_same(whole_copy, whole)


@pytest.mark.parametrize(
    ("steps", "rhythm"),
    [
        (8, []),
        (5, []),
        (8, ["--trainer.val_check_interval", "4", "--trainer.check_val_every_n_epoch", "null"]),
    ],
)
def test_resuming_a_run_that_a_number_of_steps_has_ended_changes_nothing(
    steps: int, rhythm: list[str], workplace: Path
) -> None:
    often = ["--trainer.max_steps", str(steps), "--checkpoint.every_n_steps", "4", "--model.schedule", "null"]
    assert main(["fit", *OPTIONS, *often, *rhythm]) == 0
    (run,) = map(open_run, Path("runs").glob("*"))
    before = [row.rpartition(",")[0] for row in run.metrics.read_text().splitlines()]  # but for the time
    assert main(["fit", "--run", str(run.path)]) == 0
    assert [row.rpartition(",")[0] for row in run.metrics.read_text().splitlines()] == before
