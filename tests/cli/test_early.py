from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from entreg.cli.early import asks_for_wandb, collecting_later
from tests.benchmarks import first_step
from tests.conftest import REPOSITORY

CONFIGS = REPOSITORY / "configs"


@pytest.mark.parametrize(
    "options",
    [
        ["--config", str(CONFIGS / "quickstart.yaml")],
        [f"--config={CONFIGS / 'quickstart.yaml'}"],
        ["--config", str(CONFIGS / "mix_ent.yaml")],  # names a file that names the file of the logger
        ["--trainer.logger", str(CONFIGS / "logger" / "wandb.yaml")],
        ["--trainer.logger", "WandbLogger"],
        ["--trainer.logger.class_path=lightning.pytorch.loggers.WandbLogger"],
        ["--trainer.logger", "false", "--trainer.logger", "WandbLogger"],
    ],
)
def test_a_command_that_logs_to_wandb_is_known(options: list[str]) -> None:
    assert asks_for_wandb("fit", options)


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--model.loss", "mix_ent", "--data", "Strokes"],
        ["--config", str(CONFIGS / "quickstart.yaml"), "--trainer.logger", "false"],
        ["--config", str(CONFIGS / "quickstart.yaml"), "--trainer.logger=false"],
        ["--config", str(CONFIGS / "quickstart.yaml"), "--help"],
        ["--config", str(CONFIGS / "quickstart.yaml"), "--model.loss.help", "mae"],
        ["--config", str(CONFIGS / "quickstart.yaml"), "--print_config=skip_null"],
        ["--config", "absent.yaml"],
        ["--config", str(CONFIGS / "trainer" / "cpu.yaml")],  # a comment of it names other configs
    ],
)
def test_a_command_that_does_not_is_known(options: list[str]) -> None:
    assert not asks_for_wandb("fit", options)


def test_an_evaluation_logs_nothing() -> None:
    assert not asks_for_wandb("test", ["--config", str(CONFIGS / "quickstart.yaml")])


def test_a_resumed_run_is_asked_for_its_own_config(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(
        "trainer:\n  logger:\n  - class_path: lightning.pytorch.loggers.WandbLogger\n"
    )
    assert asks_for_wandb("fit", ["--run", str(tmp_path)])
    (tmp_path / "config.yaml").write_text("trainer:\n  logger: false\n")
    assert not asks_for_wandb("fit", ["--run", str(tmp_path)])


def test_files_that_name_each_other_end(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("trainer: b.yaml\n")
    (tmp_path / "b.yaml").write_text("model: [a.yaml, b.yaml]  # WandbLogger\n")
    assert not asks_for_wandb("fit", ["--config", str(tmp_path / "a.yaml")])


def test_a_config_that_is_no_text_is_left_to_the_parser(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "folder.yaml").mkdir()
    assert not asks_for_wandb("fit", ["--config", str(tmp_path / "a.yaml"), "--config", str(tmp_path / "folder.yaml")])


def test_the_collector_is_left_as_it_was_where_everything_is_imported() -> None:
    frozen = gc.get_freeze_count()
    with collecting_later():
        assert gc.isenabled()
    assert (gc.isenabled(), gc.get_freeze_count()) == (True, frozen)


def test_collects_again_after_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "lightning")
    monkeypatch.setattr(gc, "freeze", lambda: None)  # this process goes on
    seen = []

    def mistake() -> None:
        with collecting_later():
            seen.append(gc.isenabled())
            raise ValueError("no such loss")

    with pytest.raises(ValueError, match="no such loss"):
        mistake()
    assert (seen, gc.isenabled()) == ([False], True)


@pytest.mark.long
def test_what_the_first_step_does_not_need_is_not_imported(workplace: Path) -> None:
    """A real process, up to its first step: what is guarded is what makes it quick, not the seconds."""
    (workplace / "first_step.py").write_text(Path(first_step.__file__).read_text())
    found = workplace / "found.json"
    words = ["fit", "--config", str(CONFIGS / "quickstart.yaml"), "--trainer.callbacks", "first_step.FirstStep"]
    small = ["--data.train_size", "400", "--data.test_size", "130", "--trainer.accelerator", "cpu"]
    ended = subprocess.run(
        [sys.executable, "-m", "entreg", *words, *small],
        env={**os.environ, "FIRST_STEP": str(found), "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.is_file(), ended.stderr
    assert "wandb:" not in ended.stdout + ended.stderr  # W&B's own lines, as of a process that was started loudly
    said = json.loads(found.read_text())
    modules = said["modules"]
    unneeded = {"pandas", "optuna", "sqlalchemy", "statsmodels", "sklearn", "timm", "tensorboard", "wandb_workspaces"}
    assert not unneeded & set(modules)
    # W&B's models look for their source in every module there is: it comes before PyTorch brings four thousand.
    assert modules.index("wandb") < modules.index("torch") < modules.index("lightning")
    assert said["frozen"] > 100_000
