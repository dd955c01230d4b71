from __future__ import annotations

import csv
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import wandb

from entreg.__main__ import main
from entreg.loggers import CSVLog, wandb_offline_reason
from entreg.runs import Run
from tests.conftest import TINY
from tests.wandb_file import records


def rows_of(log: CSVLog) -> list[list[str]]:
    with log.run.metrics.open() as file:
        return [row[:3] for row in csv.reader(file)]


def test_csv_appends_one_value_a_row_exactly(tmp_path: Path) -> None:
    log = CSVLog(Run(tmp_path / "run-1"))
    log.log_metrics({"val/acc": 1 / 3, "epoch": 0}, step=4)
    CSVLog(log.run).log_metrics({"val/new": float("nan")}, step=5)
    assert rows_of(log) == [["step", "name", "value"], ["4", "val/acc", repr(1 / 3)], ["5", "val/new", "nan"]]


def test_csv_is_cut_back_and_never_grown(tmp_path: Path) -> None:
    log = CSVLog(Run(tmp_path / "run-1"))
    log.cut(100)
    assert log.size() == 0
    log.log_metrics({"a": 1.0}, step=0)
    size = log.size()
    log.log_metrics({"a": 2.0}, step=1)
    log.cut(size)
    assert rows_of(log)[1:] == [["0", "a", "1.0"]]
    log.cut(10**6)
    assert log.size() == size


@pytest.fixture(autouse=True)
def _fresh_wandb() -> Iterator[None]:
    """W&B reads the environment once a process, so that each test needs it anew."""
    yield
    wandb.teardown()


HOST = "https://wandb.example"


def test_no_login_means_offline(workplace: Path) -> None:
    assert wandb_offline_reason(HOST) == "not logged in"


@pytest.mark.parametrize("login", ["key", "netrc"])
def test_a_login_that_reaches_the_server_is_online(
    login: str, workplace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if login == "key":
        monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    else:
        (workplace / "home").mkdir()
        (workplace / "home" / ".netrc").write_text("machine 127.0.0.1 login user password key\n")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}"
        assert wandb_offline_reason(url) is None
    assert "127.0.0.1 cannot be reached" in (wandb_offline_reason(url) or "")


def test_a_proxy_is_not_second_guessed(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:1")
    assert wandb_offline_reason(HOST) is None


def test_online_without_a_login_is_refused_and_never_prompts(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_MODE", "online")
    assert main(["fit", *TINY, "--trainer.logger", "WandbLogger"]) == 2
    assert "W&B: mode is online, but there is no login" in capsys.readouterr().err
    assert not Path("runs").exists()


def test_a_refused_login_is_one_line_and_leaves_nothing(
    workplace: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "too-short")
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("WANDB_BASE_URL", f"http://127.0.0.1:{server.getsockname()[1]}")
        assert main(["fit", *TINY, "--trainer.logger", "WandbLogger"]) == 1
    assert "entreg: W&B: " in capsys.readouterr().err
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


def test_an_offline_run_holds_config_metrics_and_diagram(
    fit: Callable[..., Run], capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit("--trainer.logger", "WandbLogger", "--trainer.logger.project", "entreg", "--name", "study")
    printed = capsys.readouterr()
    assert "W&B: not logged in, logging offline; later: wandb sync" in printed.out
    assert "wandb:" not in printed.err
    wandb.teardown()  # ends the service, which may still hold the end of the file
    (path,) = run.path.glob("wandb/offline-run-*/*.wandb")
    metrics: set[str] = set()
    steps: list[int] = []
    config: dict[str, object] = {}
    header = None
    for record in records(path):
        if record.HasField("run"):
            header = header or record.run
        for item in record.config.update:
            config[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
        row = {item.key or "/".join(item.nested_key): item.value_json for item in record.history.item}
        metrics |= row.keys()
        if "trainer/global_step" in row:
            steps.append(int(row["trainer/global_step"]))
    assert header is not None
    assert (header.run_id, header.run_group, header.display_name) == (run.id, "study", "mix_ent-seed0")
    assert {"val/acc", "train/ece", "test/nll", "loss/coefficient/rce"} <= metrics
    assert any(key.startswith("test/reliability") for key in metrics)
    assert steps == sorted(steps)
    assert any("loss_lr" in key or "loss_lr" in json.dumps(value) for key, value in config.items())
