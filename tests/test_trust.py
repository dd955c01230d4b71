from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from entreg.__main__ import main
from entreg.cli import comparison
from entreg.errors import ConfigError
from entreg.runs import Run, open_run, read_summary, write_summary
from entreg.trust import check_config
from tests.conftest import TINY

EVIL = """
import pathlib
from torch import nn
pathlib.Path(__file__).with_name("canary").touch()
class Loss(nn.Module):
    def __init__(self) -> None:
        raise ValueError("imported and called")
"""


@pytest.fixture
def evil(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What importing a stranger's module or reading a stranger's config beside it would make."""
    (workplace / "runs").mkdir(exist_ok=True)
    monkeypatch.syspath_prepend(workplace)  # as entreg does with the working directory
    (workplace / "runs" / "evil.py").write_text(EVIL)
    (workplace / "runs" / "evil.yaml").write_text("class_path: runs.evil.Loss\n")
    return workplace / "runs" / "canary"


def changed(run: Run, key: str, value: Any) -> Run:
    """Change a run's config."""
    config = yaml.safe_load(run.config.read_text())
    section, parts = config, key.split("/")
    for part in parts[:-1]:
        section = section[part]
    section[parts[-1]] = value
    run.config.write_text(yaml.safe_dump(config))
    write_summary(run, read_summary(run))  # as a stranger would have it
    return run


# Each of these was imported, opened or handed on by the parser.
NAMED = {
    "a class": ("model/loss", {"class_path": "runs.evil.Loss"}),
    "a class in short": ("model/loss", "runs.evil.Loss"),
    "a config in a text": ("model/loss", '{"class_path": "runs.evil.Loss"}'),
    "a config in a file": ("model/loss", "runs/evil.yaml"),
    "a config beside it": ("model/loss", "../evil.yaml"),
    "a config far away": ("model/loss", "memory:evil"),
    "a key with dots": ("model.loss.class_path", "runs.evil.Loss"),
    "more of a list": ("trainer/callbacks+", ["runs.evil.Loss"]),
    "a function": ("model/optimizer", "os.system"),
    "a further config": ("config", "runs/evil.yaml"),
    "an argument": ("data/init_args/augment", "runs.evil.Loss"),
    "a class of a module of ours": ("model/loss", {"class_path": "entreg.data.store.os.PathLike"}),
    "a writer": ("trainer/logger", {"class_path": "entreg.loggers.CSVLog", "init_args": {"run": {"path": "x"}}}),
    "a pickle": ("model/net", {"class_path": "entreg.models.Timm", "init_args": {"options": {"checkpoint_path": "x"}}}),
}


@pytest.mark.parametrize(("key", "value"), NAMED.values(), ids=NAMED)
def test_what_a_config_would_import_or_open_is_refused(key: str, value: Any, evil: Path, finished_copy: Run) -> None:
    config = changed(finished_copy, key, value).config
    if value == "memory:evil":
        value = config.write_text(config.read_text().replace("memory:evil", "memory://evil"))
    with pytest.raises(ConfigError, match=rf"^{config}: {key.replace('/', '.').replace('+', '.')}.*--trust"):
        check_config(yaml.safe_load(config.read_text()), config)


def test_what_entreg_writes_is_not(finished: Run, workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = yaml.safe_load(finished.config.read_text())
    content["name"] = "os.system"  # what people call things may look like anything
    content["model"]["net"] = {"class_path": "entreg.models.Timm", "init_args": {"name": "resnet18.a1_in1k"}}
    content["trainer"]["logger"] = {"class_path": "entreg.loggers.SafeWandbLogger", "init_args": {"save_dir": "."}}
    monkeypatch.delenv("ENTREG_TRUST")
    check_config(content, finished.config)


@pytest.mark.parametrize("command", [["test"], ["fit"], ["predict", "--images", "x.png"]])
def test_commands_import_it_with_trust_alone(
    command: list[str],
    evil: Path,
    finished_copy: Run,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run = changed(finished_copy, "model/loss", {"class_path": "runs.evil.Loss"})
    shutil.copy(next(run.figures.glob("*.png")), "x.png")
    assert main([*command, "--run", str(run.path)]) == 2
    assert not evil.exists()
    (line,) = capsys.readouterr().err.splitlines()
    assert "model.loss.class_path names runs.evil.Loss, whose code would run" in line
    for name in ("runs", "runs.evil"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    assert main([*command, "--run", str(run.path), "--trust"]) == 2
    assert evil.exists()
    assert "imported and called" in capsys.readouterr().err


def test_a_report_does_without_the_images_of_such_data(
    evil: Path, finished_copy: Run, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = changed(finished_copy, "data/class_path", "runs.evil.Loss")
    monkeypatch.setattr(comparison, "write_report", lambda out, *_: out)
    assert main(["compare", str(run.path), "--out", "report"]) == 0
    assert not evil.exists()
    assert "no images in the report" in capsys.readouterr().out


def test_a_run_begun_under_an_id_may_name_what_the_command_names(
    fit: Callable[..., Run], evil: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("ENTREG_TRUST")
    run = fit("--id", "7", "--trainer.max_epochs", "1", "--evaluate", "false")
    again = ["fit", *TINY, "--id", "7", "--trainer.max_epochs", "1", "--evaluate", "false"]
    assert main(again) == 0
    assert "trust" not in run.config.read_text()
    changed(open_run(run.path), "model/loss", {"class_path": "runs.evil.Loss"})
    assert main(again) == 2
    assert not evil.exists()


def test_what_a_package_registers_and_what_is_the_users_own_may_be_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    content = {"model": {"loss": {"class_path": "my_losses.TaylorLoss"}}}
    with pytest.raises(ConfigError, match="ENTREG_TRUST=my_losses"):
        check_config(content, tmp_path / "config.yaml")
    check_config(content, tmp_path / "config.yaml", own={"my_losses.TaylorLoss"})
    monkeypatch.setenv("ENTREG_TRUST", "other, my_losses")
    check_config(content, tmp_path / "config.yaml")


def test_the_encoder_of_texts_is_a_name_and_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models" / "mine").mkdir(parents=True)
    for name in ("all-MiniLM-L6-v2", "BAAI/bge-small-en-v1.5"):
        check_config({"data": {"init_args": {"encoder": name}}}, tmp_path / "config.yaml")
    for name in ("models/mine", str(tmp_path / "models"), "./absent", "~"):
        with pytest.raises(ConfigError, match=r"data.init_args.encoder names the folder .*--trust"):
            check_config({"data": {"init_args": {"encoder": name}}}, tmp_path / "config.yaml")
        check_config({"data": {"init_args": {"encoder": name}}}, tmp_path / "config.yaml", own={name})


def test_data_may_be_a_file_and_nothing_else_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "points.csv").write_text("x,label\n1,a\n")
    check_config({"data": {"init_args": {"root": "points.csv"}}}, tmp_path / "config.yaml")
    for content in ({"data": {"init_args": {"label": "points.csv"}}}, {"root": "points.csv"}, {"data": "points.csv"}):
        with pytest.raises(ConfigError, match=r"'points.csv', which might be opened as a file"):
            check_config(content, tmp_path / "config.yaml")
