"""W&B's sweeps of ``configs/sweeps``: the client takes them, what its agent starts runs and belongs to the sweep."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pandas as pd
import pytest
import wandb
import yaml
from click.testing import CliRunner
from wandb import wandb_agent
from wandb.cli import cli

from entreg.__main__ import main
from entreg.runs import Run, open_run, read_summary
from tests.conftest import REPOSITORY, TINY
from tests.system.wandb_server import PROJECT, SWEEP, WandbServer

FILES = sorted((REPOSITORY / "configs" / "sweeps").glob("wandb_*.yaml"))
SWEEPS = [pytest.param(yaml.safe_load(path.read_text()), id=path.stem) for path in FILES]
SMALL = ["--model.net", "user_file.TinyNet", "--data.batch_size", "8", "--trainer.accelerator", "cpu"]
RUN_ID = "zq81x0ab"


@pytest.fixture(autouse=True)
def _fresh_wandb() -> Iterator[None]:
    """W&B reads the environment once a process, and writes to it."""
    with mock.patch.dict(os.environ):
        yield
    wandb.teardown()


@pytest.fixture
def server(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    server = WandbServer()
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    yield server
    server.close()


def draws(sweep: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Values of the parameters, so that each listed one and each end of a range occurs."""
    choices = {name: given.get("values") or [given["min"], given["max"]] for name, given in sweep["parameters"].items()}
    count = max(map(len, choices.values()))
    return [{name: listed[i % len(listed)] for name, listed in choices.items()} for i in range(count)]


def started_by_agent(sweep: Mapping[str, Any], values: Mapping[str, Any]) -> list[str]:
    """The command line that the client's agent makes when the server tells it to run ``values``."""
    started: list[list[str]] = []

    def start(command: list[str], **_: Any) -> SimpleNamespace:
        started.append(command)
        return SimpleNamespace()

    told = {"run_id": RUN_ID, "program": sweep["program"], "args": {name: {"value": v} for name, v in values.items()}}
    with mock.patch.dict(os.environ), mock.patch.object(wandb_agent, "AgentProcess", start):
        agent = wandb_agent.Agent(api=None, queue=None, sweep_id=SWEEP)
        agent._sweep_command = list(sweep["command"])
        agent._command_run(told)
    return started[0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:wandb.*")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_the_client_creates_it(path: Path, server: WandbServer) -> None:
    first = path.read_text().splitlines()[0]
    assert first.endswith(f": wandb sweep {path.relative_to(REPOSITORY)}")
    done = CliRunner().invoke(cli.sweep, [str(path)])
    assert done.exit_code == 0, done.output
    assert "WARNING" not in done.output
    assert yaml.safe_load(server.sweep) == yaml.safe_load(path.read_text())


@pytest.mark.long
@pytest.mark.parametrize("sweep", SWEEPS)
def test_every_parameter_is_one_of_entreg(
    sweep: dict[str, Any], workplace: Path, letter_files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (workplace / "configs").symlink_to(REPOSITORY / "configs")
    for values in draws(sweep):
        env, program, *args = started_by_agent(sweep, values)
        assert (env, program) == ("/usr/bin/env", "entreg")
        small = [*SMALL, "--data.root", str(letter_files)]
        assert main([*args, *small, "--trainer.fast_dev_run", "true"]) == 0
        capsys.readouterr()
        with pytest.raises(SystemExit):
            main([*args, *small, "--print_config"])
        config = yaml.safe_load(capsys.readouterr().out)
        loss = config["model"]["loss"]
        for name, value in values.items():
            if name == "model.loss":
                assert loss["class_path"].endswith(f".{value.title().replace('_', '')}Loss")
            elif name.startswith("model.loss."):
                assert loss["init_args"][name.removeprefix("model.loss.")] == value
            else:
                assert config[name] == value


def test_every_metric_is_one_of_validation(finished: Run) -> None:
    logged = set(pd.read_csv(finished.metrics)["name"])
    for path in FILES:
        metric = yaml.safe_load(path.read_text())["metric"]
        assert metric["name"] in logged
        assert metric["name"].startswith("val/")
        assert metric["goal"] == ("maximize" if metric["name"] == "val/acc" else "minimize")


def test_a_run_of_an_agent_belongs_to_its_sweep(
    fit: Callable[..., Run], server: WandbServer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_SWEEP_ID", SWEEP)
    monkeypatch.setenv("WANDB_RUN_ID", RUN_ID)
    wandb_logger = ("--trainer.logger", "WandbLogger", "--trainer.logger.project", PROJECT)
    run = fit(*wandb_logger, "--trainer.max_epochs", "1", "--evaluate", "false")
    assert run.id == RUN_ID
    assert {name: known["sweep"] for name, known in server.runs.items()} == {RUN_ID: SWEEP}
    assert "wandb" not in capsys.readouterr().err


@pytest.mark.slow
def test_an_agent_runs_what_its_sweep_asks_for(server: WandbServer, workplace: Path) -> None:
    (workplace / "configs").symlink_to(REPOSITORY / "configs")
    made_small = dict(zip(*[(word.removeprefix("--") for word in TINY)] * 2, strict=True))
    del made_small["trainer.logger"]
    values = {**made_small, "trainer.max_epochs": 1, "model.loss": "min_ent", "seed_everything": 3}
    told = {"type": "run", "run_id": RUN_ID, "program": "entreg"}
    server.commands = [{**told, "args": {name: {"value": value} for name, value in values.items()}}]
    here = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": here, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
    for command in (["sweep", "configs/sweeps/wandb_losses.yaml"], ["agent", "--count", "1", SWEEP]):
        done = subprocess.run(
            [sys.executable, "-m", "wandb", *command], env=environment, capture_output=True, text=True, timeout=240
        )
        assert done.returncode == 0, done.stderr
    summary = read_summary(open_run(Path("runs") / f"losses-{RUN_ID}"))
    assert (summary["loss"], summary["seed"]) == ("MinEntLoss", 3)
    assert {name: known["sweep"] for name, known in server.runs.items()} == {RUN_ID: SWEEP}
    assert server.exits == [0]
