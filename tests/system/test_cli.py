"""The commands over a classifier, as a user types them: what they leave, and what they say of a mistake."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from torchvision import datasets

from entreg.__main__ import main
from entreg.runs import Run, open_run, read_predictions, read_summary
from tests.conftest import TINY

Fit = Callable[..., Run]


def one_line_error(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("entreg: ")]
    assert len(lines) == 1
    assert "Traceback" not in error
    return lines[0]


def parsed(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    """The config that a command line stands for."""
    with pytest.raises(SystemExit):
        main(["fit", *TINY, *options, "--print_config"])
    return yaml.safe_load(capsys.readouterr().out)


def test_fit_leaves_a_complete_run_folder(finished: Run) -> None:
    printed = (finished.path.parents[1] / "printed.txt").read_text()
    summary = read_summary(finished)
    for split, count in (("val", 130), ("test", 130)):
        predictions = read_predictions(finished.predictions(split))
        assert predictions["logits"].shape == (count, 26)
        assert predictions["logits"].dtype == np.float32
        errors = int((predictions["logits"].argmax(1) != predictions["targets"]).sum())
        assert summary[split]["errors"] == errors
        assert summary[split]["acc"] == 1 - errors / count
        assert f"{errors} of {count}" in printed
        assert (finished.figures / f"reliability-{split}.png").is_file()
    assert f"run folder: runs/{finished.path.name}" in printed
    told = {"arm", "seed", "coefficients", "versions", "git_commit", "images_per_second", "wall_seconds"}
    assert told <= set(summary)
    assert summary["steps"] == 10
    assert yaml.safe_load(finished.config.read_text())["model"]["loss"]["class_path"] == "entreg.losses.MixEntLoss"


def test_checkpoints_open_with_weights_only(finished: Run) -> None:
    assert sorted(path.stem for path in finished.checkpoint("best").parent.iterdir()) == ["best", "last"]
    for name in ("best", "last"):
        checkpoint = torch.load(finished.checkpoint(name), weights_only=True)
        assert "hyper_parameters" not in checkpoint
        assert "loss.coefficients.weight.learnt" in checkpoint["state_dict"]


def test_test_needs_nothing_but_the_folder(finished: Run, finished_copy: Run, workplace: Path) -> None:
    moved = open_run(finished_copy.path.rename(workplace / "moved-1234"))
    moved.predictions("test").write_bytes(b"torn")
    assert main(["test", "--run", str(moved.path)]) == 0
    before, after = (read_predictions(run.predictions("test")) for run in (finished, moved))
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_one_seed_is_one_result_and_another_is_another(finished: Run, fit: Fit) -> None:
    runs = (finished, fit(), fit("--seed_everything", "1", "--name", "other"))
    logits = [read_predictions(run.predictions("test"))["logits"] for run in runs]
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])
    assert len({read_summary(run)["arm"] for run in runs}) == 1
    assert len({run.path.name for run in runs}) == 3
    assert runs[2].path.name.startswith("other-")
    config = yaml.safe_load(runs[2].config.read_text())
    assert config["seed_everything"] == config["data"]["init_args"]["seed"] == 1


def test_switching_the_loss_gives_the_new_ones_own_defaults(workplace: Path, capsys) -> None:
    (workplace / "mix.yaml").write_text("model:\n  loss: MixEntLoss\n")
    loss = parsed(capsys, "--config", "mix.yaml", "--model.loss", "min_ent")["model"]["loss"]
    assert loss["class_path"] == "entreg.losses.MinEntLoss"
    assert loss["init_args"]["ce_weight"] == 0.839**2
    assert loss["init_args"]["ce_base"] == 2.02


def test_later_configs_and_dotted_overrides_win(workplace: Path, capsys) -> None:
    (workplace / "a.yaml").write_text("model:\n  loss_lr: 1.0e-3\nname: a\n")
    (workplace / "b.yaml").write_text("model:\n  loss_lr: 2.0e-3\n")
    config = parsed(capsys, "--config", "a.yaml", "--config", "b.yaml", "--name", "c")
    assert (config["model"]["loss_lr"], config["name"]) == (2e-3, "c")


def test_optimizer_and_schedule_come_from_the_config(fit: Fit) -> None:
    run = fit(
        *("--model.optimizer", "torch.optim.SGD", "--model.optimizer.lr", "0.1"),
        *("--model.schedule", "torch.optim.lr_scheduler.CosineAnnealingLR"),
        *("--trainer.max_epochs", "1", "--evaluate", "false"),
    )
    rows = [line.split(",") for line in run.metrics.read_text().splitlines()]
    rates = [float(value) for _, name, value, _ in rows if name == "lr/net"]
    assert rates[0] > rates[-1] > 0
    assert rates[0] == 0.1


def test_fast_dev_run_writes_nothing_and_takes_a_loss_of_torch(workplace: Path) -> None:
    assert main(["fit", *TINY, "--model.loss", "torch.nn.MultiMarginLoss", "--trainer.fast_dev_run", "true"]) == 0
    assert not Path("runs").exists()


BAD_OPTIONS = {
    "unknown loss": (["--model.loss", "mixent"], 2, "did you mean 'mix_ent'"),
    "unknown key": (["--model.losss", "MixEntLoss"], 2, "losss"),
    "unknown key of a class": (["--model.loss", "MixEntLoss", "--model.loss.epsilon", "1"], 2, "epsilon"),
    "base <= 1": (
        ["--model.loss", "MixEntLoss", "--model.loss.ce_base", "1"],
        2,
        "the base of ce must be a number > 1, got 1",
    ),
    "wrong type": (["--trainer.max_epochs", "many"], 2, "many"),
    "num_classes": (["--model.num_classes", "62"], 2, "model.num_classes is 62, but Strokes has 26"),
    "batch size": (["--data.batch_size", "1000"], 2, "data.batch_size 1000 exceeds"),
    "augment": (["--data.augment.distortion", "2"], 2, "distortion"),
    "bins": (["--metrics.bins", "0"], 2, "metrics.bins is a number >= 1, got 0"),
    "seed": (["--seed_everything", "true"], 2, "give an integer"),
    "checkpoint keyword": (["--ckpt_path", "last"], 2, "--run"),
    "checkpoint": (["--ckpt_path", "some.ckpt"], 2, "entreg fit --run"),
    "never validated": (["--trainer.limit_val_batches", "0"], 2, "--evaluate false"),
    "no end": (["--trainer.max_epochs=-1"], 2, "set trainer.max_epochs"),
    "dropout": (["--model.net", "VGG5", "--model.net.dropout", "1.5"], 2, "model.net: dropout"),
    "optimizer": (["--model.optimizer.lr=-1"], 2, "model.optimizer: Invalid learning rate"),
    "schedule": (["--model.schedule.warmup", "2"], 2, "model.schedule: warmup"),
    "class weights": (["--model.loss", "MinEntLoss", "--model.loss.weight", "[1, 2]"], 2, "one number for each of 26"),
    "sizes": (["--data.train_size=-5"], 2, "data.train_size"),
    "missing data": (["--data", "EMNIST"], 1, "configs/quickstart.yaml"),
    "unwritable runs": (["--runs", "/proc/nowhere"], 1, "/proc/nowhere"),
    "config absent": (["--config", "nowhere.yaml"], 2, "nowhere.yaml"),
    "not a run folder": (["--run", "nowhere"], 1, "nowhere: is not there"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_input_is_one_line_and_leaves_nothing(
    case: str, workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_network(*args: object, **kwargs: object) -> None:
        raise OSError("name resolution failed")

    monkeypatch.setattr(datasets, "EMNIST", no_network)
    options, code, expected = BAD_OPTIONS[case]
    assert main(["fit", *TINY, *options]) == code
    assert expected in one_line_error(capsys)
    assert not Path("runs").exists()


def test_a_metric_to_monitor_that_nothing_logs_is_one_line(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", *TINY, "--checkpoint.monitor", "val/accuracy"]) == 2
    assert "val/accuracy" in one_line_error(capsys)


@pytest.mark.parametrize(
    ("options", "expected"),
    [(["--model.net", "VGG5"], "net VGG5"), (["--model.loss", "CrossEntropyLoss"], "loss CrossEntropyLoss")],
)
def test_a_checkpoint_of_another_network_or_loss_is_refused(
    finished: Run, workplace: Path, options: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["test", *TINY, *options, "--ckpt_path", str(finished.checkpoint("last"))]) == 1
    assert expected in one_line_error(capsys)


def test_a_file_that_is_no_checkpoint_is_refused(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"weight": torch.zeros(1)}, "not.ckpt")
    assert main(["test", *TINY, "--ckpt_path", "not.ckpt"]) == 1
    assert "not.ckpt: cannot be opened as a checkpoint" in one_line_error(capsys)


def test_a_damaged_checkpoint_of_a_run_is_one_line(finished_copy: Run, capsys: pytest.CaptureFixture[str]) -> None:
    best = finished_copy.checkpoint("best")
    best.write_bytes(best.read_bytes()[:1000])
    assert main(["test", "--run", str(finished_copy.path)]) == 1
    assert "best.ckpt: cannot be opened" in one_line_error(capsys)


def test_a_checkpoint_from_elsewhere_is_looked_at_without_a_trace(
    finished: Run, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")}
    last = str(finished.checkpoint("last"))
    assert main(["test", "--run", str(finished.path), "--ckpt_path", last]) == 0
    assert main(["test", *TINY, "--ckpt_path", last]) == 0
    assert "nothing written" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in finished.path.rglob("*")} == before
    assert not Path("runs").exists()


def test_a_limited_test_counts_what_it_saw(finished_copy: Run) -> None:
    limits = ["--trainer.limit_test_batches", "1", "--data.eval_batch_size", "44"]
    assert main(["test", "--run", str(finished_copy.path), *limits]) == 0
    scores = read_summary(finished_copy)["test"]
    assert scores["n"] == 44
    assert scores["acc"] == 1 - scores["errors"] / 44


def test_a_moved_run_keeps_its_best_checkpoint(fit: Fit, workplace: Path) -> None:
    monitor = ("--checkpoint.monitor", "val/confidence", "--checkpoint.mode", "min", "--evaluate", "false")
    run = fit("--trainer.max_epochs", "1", *monitor)
    best = torch.load(run.checkpoint("best"), weights_only=True)["global_step"]
    moved = open_run(run.path.rename(workplace / "moved-1234"))
    assert main(["fit", "--run", str(moved.path), "--trainer.max_epochs", "3"]) == 0
    assert torch.load(moved.checkpoint("best"), weights_only=True)["global_step"] == best


def test_validate_writes_validation_only_and_no_pictures_if_so_asked(finished_copy: Run) -> None:
    for folder in (finished_copy.figures, finished_copy.predictions("val").parent):
        shutil.rmtree(folder)
    assert main(["validate", "--run", str(finished_copy.path), "--figures", "false"]) == 0
    assert [path.name for path in finished_copy.predictions("val").parent.iterdir()] == ["val.npz"]
    assert not finished_copy.figures.exists()


def test_training_that_ends_before_validation_says_what_to_change(workplace: Path, capsys) -> None:
    assert main(["fit", *TINY, "--trainer.max_epochs", "-1", "--trainer.max_steps", "2"]) == 2
    assert "training ended before its first validation" in one_line_error(capsys)
