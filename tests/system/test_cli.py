from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from entreg.__main__ import main
from entreg.runs import Run, open_run, read_predictions
from tests.conftest import TINY

Fit = Callable[..., Run]


def one_line_error(capsys: pytest.CaptureFixture[str]) -> str:
    error = capsys.readouterr().err
    lines = [line for line in error.splitlines() if line.startswith("entreg: ")]
    assert len(lines) == 1
    assert "Traceback" not in error
    return lines[0]


def test_fit_leaves_a_complete_run_folder(fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    run = fit("--figures", "true")
    printed = capsys.readouterr().out
    summary = json.loads(run.summary.read_text())
    for split, count in (("val", 130), ("test", 130)):
        predictions = read_predictions(run.predictions(split))
        assert predictions["logits"].shape == (count, 26)
        assert predictions["logits"].dtype == np.float32
        errors = int((predictions["logits"].argmax(1) != predictions["targets"]).sum())
        assert summary[split]["errors"] == errors
        assert summary[split]["acc"] == 1 - errors / count
        assert f"{errors} of {count}" in printed
        assert (run.figures / f"reliability-{split}.png").is_file()
    assert f"run folder: runs/{run.path.name}" in printed
    assert {
        "arm",
        "seed",
        "coefficients",
        "versions",
        "git_commit",
        "images_per_second",
        "wall_seconds",
    } <= set(summary)
    assert summary["steps"] == 10
    assert yaml.safe_load(run.config.read_text())["model"]["loss"]["class_path"] == "entreg.losses.MixEntLoss"


def test_checkpoints_open_with_weights_only(fit: Fit) -> None:
    run = fit()
    for name in ("best", "last", "previous"):
        checkpoint = torch.load(run.checkpoint(name), weights_only=True)
        assert "hyper_parameters" not in checkpoint
        assert "loss.coefficients.weight.learnt" in checkpoint["state_dict"]


def test_test_needs_nothing_but_the_folder(fit: Fit, workplace: Path) -> None:
    run = fit()
    before, elsewhere = read_predictions(run.predictions("test")), workplace / "moved-1234"
    run.path.rename(elsewhere)
    (elsewhere / "predictions" / "test.npz").unlink()
    assert main(["test", "--run", str(elsewhere)]) == 0
    after = read_predictions(elsewhere / "predictions" / "test.npz")
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_one_seed_is_one_result_and_another_is_another(fit: Fit) -> None:
    first, second, other = fit(), fit(), fit("--seed_everything", "1")
    logits = [read_predictions(run.predictions("test"))["logits"] for run in (first, second, other)]
    assert np.array_equal(logits[0], logits[1])
    assert not np.array_equal(logits[0], logits[2])
    arms = [json.loads(run.summary.read_text())["arm"] for run in (first, second, other)]
    assert len(set(arms)) == 1
    assert len({run.path for run in (first, second, other)}) == 3


def test_switching_the_loss_gives_the_new_ones_own_defaults(fit: Fit, workplace: Path) -> None:
    (workplace / "mix.yaml").write_text("model:\n  loss: MixEntLoss\n")
    run = fit("--config", "mix.yaml", "--model.loss", "min_ent", "--trainer.max_epochs", "1")
    loss = yaml.safe_load(run.config.read_text())["model"]["loss"]
    assert loss["class_path"] == "entreg.losses.MinEntLoss"
    assert loss["init_args"]["ce_weight"] == 0.839**2
    assert loss["init_args"]["ce_base"] == 2.02


@pytest.mark.parametrize(
    ("loss", "options"),
    [
        ("CrossEntropyLoss", []),
        ("user_file.MyLoss", ["--model.loss.scale", "3"]),
        ("torch.nn.MultiMarginLoss", []),
    ],
)
def test_losses_by_short_name_from_a_users_file_and_of_torch(fit: Fit, loss: str, options: list[str]) -> None:
    run = fit("--model.loss", loss, *options, "--trainer.max_epochs", "1")
    configured = yaml.safe_load(run.config.read_text())["model"]["loss"]
    assert configured["class_path"].endswith(loss)
    if options:
        assert configured["init_args"]["scale"] == 3.0
    if loss == "CrossEntropyLoss":
        assert configured["class_path"].startswith("entreg.")


def test_later_configs_and_dotted_overrides_win(fit: Fit, workplace: Path) -> None:
    (workplace / "a.yaml").write_text("model:\n  loss_lr: 1.0e-3\nname: a\n")
    (workplace / "b.yaml").write_text("model:\n  loss_lr: 2.0e-3\n")
    run = fit("--config", "a.yaml", "--config", "b.yaml", "--name", "c", "--trainer.max_epochs", "1")
    config = yaml.safe_load(run.config.read_text())
    assert config["model"]["loss_lr"] == 2e-3
    assert run.path.name.startswith("c-")


def test_optimizer_and_schedule_come_from_the_config(fit: Fit) -> None:
    run = fit(
        *("--model.optimizer", "torch.optim.SGD", "--model.optimizer.lr", "0.1"),
        *("--model.schedule", "torch.optim.lr_scheduler.CosineAnnealingLR", "--trainer.max_epochs", "1"),
    )
    rows = [line.split(",") for line in run.metrics.read_text().splitlines()]
    rates = [float(value) for _, name, value, _ in rows if name == "lr/net"]
    assert rates[0] > rates[-1] > 0
    assert rates[0] == 0.1


def test_fast_dev_run_writes_nothing(workplace: Path) -> None:
    assert main(["fit", *TINY, "--trainer.fast_dev_run", "true"]) == 0
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
    "negative eps": (["--model.loss", "MixEntLoss", "--model.loss.eps=-1e-6"], 2, "eps must lie strictly"),
    "negative weight": (
        ["--model.loss", "MinEntLoss", "--model.loss.ce_weight", "-1"],
        2,
        "the weight of ce",
    ),
    "wrong type": (["--trainer.max_epochs", "many"], 2, "many"),
    "num_classes": (["--model.num_classes", "62"], 2, "model.num_classes is 62, but Strokes has 26"),
    "in_channels": (["--model.in_channels", "3"], 2, "model.in_channels is 3, but Strokes has 1"),
    "batch size": (["--data.batch_size", "1000"], 2, "data.batch_size 1000 exceeds"),
    "augment": (["--data.augment.distortion", "2"], 2, "distortion"),
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
    "not a run folder": (["--run", "nowhere"], 1, "nowhere: is not a run folder"),
}


@pytest.mark.parametrize("case", BAD_OPTIONS)
def test_bad_input_is_one_line_and_leaves_nothing(
    case: str, workplace: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from torchvision import datasets

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


@pytest.mark.parametrize("damage", [b"<html>503</html>", b"", b"\x00\x00\x08\x03\x00\x00\x01"])
def test_damaged_data_files_are_one_line(
    damage: bytes, workplace: Path, letter_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    victim = letter_files / "EMNIST" / "raw" / "emnist-letters-train-images-idx3-ubyte"
    victim.write_bytes(damage)
    options = [option if option != "Strokes" else "EMNIST" for option in TINY if "_size" not in option]
    options = [option for option in options if option not in ("400", "130", "54")]
    assert main(["fit", *options, "--data.root", str(letter_files)]) == 1
    assert str(victim) in one_line_error(capsys)


@pytest.mark.parametrize(
    ("options", "expected"),
    [(["--model.net", "VGG5"], "net VGG5"), (["--model.loss", "CrossEntropyLoss"], "loss CrossEntropyLoss")],
)
def test_a_checkpoint_of_another_network_or_loss_is_refused(
    fit: Fit, options: list[str], expected: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit("--trainer.max_epochs", "1")
    capsys.readouterr()
    assert main(["test", *TINY, *options, "--ckpt_path", str(run.checkpoint("last"))]) == 1
    assert expected in one_line_error(capsys)


@pytest.mark.parametrize("content", [None, b"nothing", "tensors"])
def test_a_file_that_is_no_checkpoint_is_refused(
    content: bytes | str | None, workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if isinstance(content, bytes):
        Path("not.ckpt").write_bytes(content)
    elif content == "tensors":
        torch.save({"weight": torch.zeros(1)}, "not.ckpt")
    assert main(["test", *TINY, "--ckpt_path", "not.ckpt"]) == 1
    assert "not.ckpt: cannot be opened as a checkpoint" in one_line_error(capsys)


def test_a_damaged_checkpoint_of_a_run_is_one_line(fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    run = fit("--trainer.max_epochs", "1")
    capsys.readouterr()
    run.checkpoint("best").write_bytes(run.checkpoint("best").read_bytes()[:1000])
    assert main(["test", "--run", str(run.path)]) == 1
    assert "best.ckpt: cannot be opened" in one_line_error(capsys)


def test_a_checkpoint_from_elsewhere_is_looked_at_without_a_trace(fit: Fit, capsys: pytest.CaptureFixture[str]) -> None:
    run = fit("--trainer.max_epochs", "1")
    before = {path: path.stat().st_mtime_ns for path in Path("runs").rglob("*")}
    assert main(["test", "--run", str(run.path), "--ckpt_path", str(run.checkpoint("last"))]) == 0
    assert main(["test", *TINY, "--ckpt_path", str(run.checkpoint("last"))]) == 0
    assert "nothing written" in capsys.readouterr().out
    assert {path: path.stat().st_mtime_ns for path in Path("runs").rglob("*")} == before


def test_a_limited_test_counts_what_it_saw(fit: Fit) -> None:
    run = fit("--trainer.limit_test_batches", "1", "--data.eval_batch_size", "44", "--trainer.max_epochs", "1")
    scores = json.loads(run.summary.read_text())["test"]
    assert scores["n"] == 44
    assert scores["acc"] == 1 - scores["errors"] / 44


def test_a_moved_run_keeps_its_best_checkpoint(fit: Fit, workplace: Path) -> None:
    run = fit("--trainer.max_epochs", "1", "--checkpoint.monitor", "val/confidence", "--checkpoint.mode", "min")
    best = torch.load(run.checkpoint("best"), weights_only=True)["global_step"]
    elsewhere = workplace / "moved-1234"
    run.path.rename(elsewhere)
    assert main(["fit", "--run", str(elsewhere), "--trainer.max_epochs", "3"]) == 0
    moved = open_run(elsewhere).checkpoint("best")
    assert torch.load(moved, weights_only=True)["global_step"] == best


def test_a_truncated_predictions_folder_does_not_stop_test(fit: Fit) -> None:
    run = fit("--trainer.max_epochs", "1")
    run.predictions("test").write_bytes(b"torn")
    assert main(["test", "--run", str(run.path)]) == 0
    assert read_predictions(run.predictions("test"))["ids"].tolist() == list(range(130))


def test_validate_writes_validation_only(fit: Fit) -> None:
    run = fit("--evaluate", "false", "--trainer.max_epochs", "1")
    assert not run.predictions("val").exists()
    assert main(["validate", "--run", str(run.path)]) == 0
    assert run.predictions("val").exists()
    assert not run.predictions("test").exists()


def test_ctrl_c_is_one_line_that_says_how_to_go_on(workplace: Path) -> None:
    command = [sys.executable, "-m", "entreg", "fit", *TINY, "--trainer.max_epochs", "10000"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 120
    while not list(Path("runs").glob("*/checkpoints/last.ckpt")) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate(timeout=60)
    assert process.returncode == 1
    (run,) = Path("runs").glob("*")
    assert f"entreg: interrupted; go on with: entreg fit --run {run}" in error
    assert "Traceback" not in error


def test_training_that_ends_before_validation_says_what_to_change(workplace: Path, capsys) -> None:
    assert main(["fit", *TINY, "--trainer.max_epochs", "-1", "--trainer.max_steps", "2"]) == 2
    assert "training ended before its first validation" in one_line_error(capsys)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("--observe.every_n_steps", "observe.every_n_steps is a number >= 1, got 0"),
        ("--checkpoint.every_n_steps", "checkpoint.every_n_steps is a number >= 1, got 0"),
        ("--metrics.bins", "metrics.bins is a number >= 1, got 0"),
    ],
)
def test_a_number_of_nothing_is_one_line(option: str, message: str, workplace: Path, capsys) -> None:
    assert main(["fit", *TINY, option, "0"]) == 2
    assert message in one_line_error(capsys)
    assert not Path("runs").exists()
