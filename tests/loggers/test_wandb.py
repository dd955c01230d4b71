from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import wandb
from jsonargparse import Namespace
from lightning.pytorch.loggers import WandbLogger

from entreg.__main__ import main
from entreg.loggers import describe_run, describe_to_wandb
from entreg.runs import Run, read_summary
from tests.conftest import TINY
from tests.loggers.conftest import Logged
from tests.system.wandb_server import WandbServer


@pytest.mark.parametrize(("given", "seconds"), [(None, 30), ("7", 7), ("0", 0)])
def test_the_end_of_a_run_is_bounded_unless_the_user_says_how(
    given: str | None, seconds: float, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if given is not None:
        monkeypatch.setenv("WANDB_FINISH_TIMEOUT", given)
    names = ("project", "mode", "id", "save_dir", "name", "group", "job_type", "tags")
    arguments = Namespace(**dict.fromkeys(names))
    describe_to_wandb(arguments, Run(Path("runs/x-1")), group="x", title="x-mae", loss="mae", data="Strokes", seed=0)
    assert wandb.setup().settings.finish_timeout == seconds


@pytest.mark.parametrize(("name", "group"), [("x-mae-s3", "x-mae"), ("study", "study")])
def test_runs_are_named_after_their_title_and_grouped_by_it_or_by_the_name_given(
    name: str, group: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    names = ("project", "mode", "id", "save_dir", "name", "group", "job_type", "tags")
    logger = Namespace(class_path="lightning.pytorch.loggers.WandbLogger", init_args=Namespace(**dict.fromkeys(names)))
    loss, data = Namespace(class_path="entreg.losses.MAELoss"), Namespace(class_path="entreg.data.Strokes")
    config = Namespace(name=name, seed_everything=3, model=Namespace(loss=loss), data=data)
    describe_run(logger, config, Run(Path("runs/x-1")), "x-mae")
    assert (logger.init_args.name, logger.init_args.group) == ("x-mae-s3", group)


def test_online_without_a_login_is_refused_and_never_prompts(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    assert main(["fit", *TINY, "--trainer.logger", "WandbLogger"]) == 2
    assert "W&B: mode is online, but there is no login" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_refused_login_is_one_line_and_leaves_nothing(
    server: WandbServer, workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "too-short")
    assert main(["fit", *TINY, "--trainer.logger", "WandbLogger"]) == 1
    assert "entreg: W&B: " in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_project_that_cannot_have_its_name_is_one_line_and_leaves_nothing(
    workplace: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logger = ["--trainer.logger", "WandbLogger", "--trainer.logger.project", "a/b"]
    assert main(["fit", *TINY, *logger]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "trainer.logger: W&B: Invalid project name 'a/b'" in line
    assert "log in" not in line
    assert not Path("runs").exists()


def test_a_config_error_found_late_leaves_no_wandb_files(workplace: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fit", *TINY, "--trainer.logger", "WandbLogger", "--model.num_classes", "5"]) == 2
    assert "model.num_classes is 5" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_disabled_leaves_no_wandb_files(
    fit: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "disabled")
    run = fit("--trainer.logger", "WandbLogger", "--trainer.max_epochs", "1")
    assert not list(run.path.glob("wandb/*run*"))
    assert "W&B" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("error", "said", "goes_on"),
    [
        (ConnectionResetError("reset"), "its process has ended (reset); nothing more is", False),
        (wandb.Error("no space\nfor that."), "no space for that; this is not", True),
    ],
    ids=["its process has ended", "it refuses something"],
)
def test_trouble_while_training_costs_the_logging_only(
    error: Exception,
    said: str,
    goes_on: bool,
    fit: Callable[..., Run],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    seen: list[int | None] = []

    def fail(_: WandbLogger, metrics: Mapping[str, float], step: int | None = None) -> None:
        seen.append(step)
        raise error

    monkeypatch.setattr(WandbLogger, "log_metrics", fail)
    run = fit("--trainer.logger", "WandbLogger", "--trainer.max_epochs", "1")
    assert (len(seen) > 1) == goes_on
    assert {"val", "test"} <= read_summary(run).keys()
    _, *lines = (line for line in capsys.readouterr().out.splitlines() if line.startswith("W&B: "))  # no login
    assert lines == [f"W&B: {said} logged to it, all of it is in the run folder"]


def test_an_offline_run_holds_config_and_metrics(logged: Logged) -> None:
    assert "W&B: not logged in, logging offline; later: wandb sync" in logged.printed
    assert "wandb:" not in logged.printed
    header = (logged.header.run_id, logged.header.run_group, logged.header.display_name)
    assert header == (logged.run.id, "study", "strokes-tinynet-mix_ent-s3")
    assert {"val/acc", "train/ece", "test/nll", "loss/coefficient/rce"} <= logged.history.keys()
    assert logged.steps == sorted(logged.steps)
    assert logged.config["model"]["loss_lr"] == 1e-4
