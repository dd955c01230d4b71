from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from jsonargparse import Namespace

from entreg.__main__ import main
from entreg.cli.resolve import default_name, fit_to_machine
from entreg.runs import Run, open_run
from tests.conftest import TINY


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


def test_a_run_is_named_after_its_config_files() -> None:
    assert default_name(Namespace(config=["configs/mix_ent.yaml", "configs/paper.yaml"])) == "mix_ent-paper"


def test_a_run_keeps_what_the_first_machine_resolved(fit: Callable[..., Run], monkeypatch: pytest.MonkeyPatch) -> None:
    open_precision = [word for word in TINY if word not in ("--trainer.precision", "32-true")]
    monkeypatch.setattr("tests.conftest.TINY", open_precision)
    monkeypatch.setattr("entreg.cli.resolve.best_precision", lambda accelerator: "32-true")
    run = fit("--id", "x", "--trainer.max_epochs", "1")
    monkeypatch.setattr("entreg.cli.resolve.best_precision", lambda accelerator: "bf16-mixed")
    assert main(["fit", *open_precision, "--id", "x", "--trainer.max_epochs", "1"]) == 0
    assert yaml.safe_load(run.config.read_text())["trainer"]["precision"] == "32-true"


def test_an_id_is_one_run_of_one_config(fit: Callable[..., Run], capsys: pytest.CaptureFixture[str]) -> None:
    run = fit("--id", "x", "--trainer.max_epochs", "1")
    command = ["fit", *TINY, "--id", "x", "--trainer.max_epochs", "1"]
    capsys.readouterr()
    for options, key in (
        (["--seed_everything", "1"], "seed_everything"),
        (["--model.loss_lr", "0.1"], "model.loss_lr"),
        (["--trainer.max_epochs", "2"], "trainer.max_epochs"),
    ):
        assert main([*command, *options]) == 2
        said = capsys.readouterr().err
        assert f"{run.path.relative_to(Path.cwd())}: this run was begun with another {key};" in said
    assert main([*command, "--observe.every_n_steps", "3", "--trainer.enable_progress_bar", "false"]) == 0
    assert [open_run(folder) for folder in Path("runs").glob("*")] == [run]
