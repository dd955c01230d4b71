from __future__ import annotations

from pathlib import Path

import pytest
import torch
import yaml
from jsonargparse import Namespace

from entreg.__main__ import main
from entreg.cli.resolve import fill_in, find_run, fit_to_machine
from entreg.runs import Run, open_run
from tests.conftest import FINISHED


def test_a_launcher_decides_what_the_config_leaves_open(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TORCHELASTIC_RUN_ID": "x", "LOCAL_WORLD_SIZE": "2", "WORLD_SIZE": "4"}.items():
        monkeypatch.setenv(name, value)
    open_trainer = {"num_nodes": 1, "sync_batchnorm": None, "accelerator": "cpu"}
    config = Namespace(run=None, trainer=Namespace(devices="auto", **open_trainer))
    fit_to_machine(config)
    assert (config.trainer.devices, config.trainer.num_nodes) == (2, 2)
    config = Namespace(run=None, trainer=Namespace(devices=1, **open_trainer))
    fit_to_machine(config)
    assert (config.trainer.devices, config.trainer.num_nodes) == (1, 1)


def test_an_id_alone_finds_its_run_whatever_it_is_called(tmp_path: Path) -> None:
    loss = Namespace(class_path="entreg.losses.MAELoss")
    strokes = Namespace(class_path="entreg.data.Strokes", init_args=Namespace())
    config = Namespace(run=None, runs=tmp_path, id="7", name=None, data=strokes, seed_everything=1)
    config.model = Namespace(net="entreg.models.MLP", loss=loss)
    assert find_run(config).path == tmp_path / "strokes-mlp-mae-s1-7"
    (tmp_path / "older-7").mkdir()
    (tmp_path / "older-7" / "config.yaml").touch()
    assert find_run(config).path == tmp_path / "older-7"
    config.name = "mine"
    assert find_run(config).path == tmp_path / "mine-7"


def test_a_run_keeps_what_the_first_machine_resolved(finished_copy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entreg.cli.resolve.best_precision", lambda accelerator: "bf16-mixed")
    open_precision = [word for word in FINISHED if word not in ("--trainer.precision", "32-true")]
    assert main(["fit", *open_precision, "--id", finished_copy.id]) == 0
    assert yaml.safe_load(finished_copy.config.read_text())["trainer"]["precision"] == "32-true"


def test_an_id_is_one_run_of_one_config(finished_copy: Run, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["fit", *FINISHED, "--id", finished_copy.id]
    for options, difference in (
        (["--seed_everything", "1"], "seed_everything 0, not 1;"),
        (["--model.loss_lr", "0.1"], "model.loss_lr 0.0001, not 0.1;"),
        (["--trainer.max_epochs", "3"], "trainer.max_epochs 2, not 3;"),
    ):
        assert main([*command, *options]) == 2
        said = capsys.readouterr().err
        assert f"{finished_copy.path.relative_to(Path.cwd())}: this run was begun with {difference}" in said
    assert main([*command, "--observe.every_n_steps", "3", "--figures", "false"]) == 0
    assert [open_run(folder) for folder in Path("runs").glob("*")] == [finished_copy]


def test_a_run_that_goes_on_stays_the_experiment_that_it_is(
    finished_copy: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    def content() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in finished_copy.path.rglob("*.*") if path.is_file()}

    before = content()
    for command, *options, difference in (
        ("fit", "--model.optimizer.lr", "0.5", "model.optimizer.lr 0.002, not 0.5; leave the option out"),
        ("fit", "--data.augment", "null", 'data.augment.class_path "entreg.data.Warp", not null;'),
        ("fit", "--seed_everything", "77", "seed_everything 0, not 77;"),
        ("fit", "--checkpoint.monitor", "val/nll", 'checkpoint.monitor "val/acc", not "val/nll";'),
        ("fit", "--trainer.max_epochs", "1", "trainer.max_epochs 2, not 1; it can be prolonged, not shortened:"),
        ("validate", "--data.split_seed", "3", "data.split_seed 0, not 3;"),
    ):
        assert main([command, "--run", str(finished_copy.path), *options]) == 2
        said = capsys.readouterr().err
        assert f"{finished_copy.path}: this run was begun with {difference}" in said
        assert said.count("\n") == 1
    assert content() == before


@pytest.mark.parametrize(("given", "resolved"), [(None, "bf16-mixed"), ("64-true", "64-true")])
def test_a_precision_that_is_given_goes_before_the_stored_one(given: str | None, resolved: str) -> None:
    trainer = Namespace(precision=given, accelerator="cpu")
    config = Namespace(
        trainer=trainer,
        data=Namespace(class_path="entreg.data.Strokes", init_args=Namespace()),
        model=Namespace(net="LeNet"),
    )
    fill_in(config, Namespace(trainer=Namespace(precision="bf16-mixed")))
    assert config.trainer.precision == resolved


def test_callbacks_of_lightning_are_told_what_they_get_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    names = {
        "EarlyStopping": {"monitor": "val/acc", "check_on_train_epoch_end": None},
        "EMAWeightAveraging": {"device": None},
        "Timer": {},
    }
    for accelerator, device in (("cpu", None), ("auto", "cuda")):
        callbacks = [
            Namespace(class_path=f"lightning.pytorch.callbacks.{name}", init_args=Namespace(**arguments))
            for name, arguments in names.items()
        ]
        open_trainer = {"devices": 1, "num_nodes": 1, "sync_batchnorm": False, "accelerator": accelerator}
        fit_to_machine(Namespace(run=None, trainer=Namespace(callbacks=callbacks, **open_trainer)))
        early, average, _ = (callback.init_args for callback in callbacks)
        assert early.check_on_train_epoch_end is False
        assert average.device == device
