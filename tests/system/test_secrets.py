"""The W&B key in the environment is nowhere in what a run writes, prints or uploads."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import wandb

from entreg.__main__ import main
from entreg.runs import Run
from tests.system.wandb_server import PROJECT, WandbServer

CANARY = "c4na12" + "9f" * 17  # as long as a key is, which W&B asks for
WRITTEN = [CANARY.encode(), base64.b64encode(f"api:{CANARY}".encode())]  # the latter is how it is sent
WANDB = ("--trainer.logger", "WandbLogger", "--trainer.logger.project", PROJECT, "--trainer.max_epochs", "1")


@pytest.fixture
def server() -> Iterator[WandbServer]:
    server = WandbServer()
    yield server
    server.close()


@pytest.mark.long
def test_the_key_is_written_printed_and_uploaded_nowhere(
    fit: Callable[..., Run],
    server: WandbServer,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", CANARY)
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    fit(*WANDB, "--figures", "true")
    wandb.teardown()  # W&B reads the environment once a process
    monkeypatch.setenv("WANDB_MODE", "offline")
    fit(*WANDB, "--seed_everything", "1")
    wandb.teardown()  # and its service may still hold the end of its files
    runs = [str(path) for path in Path("runs").iterdir()]
    assert main(["compare", *runs, "--out", "report"]) == 0

    files = [path for path in Path.cwd().rglob("*") if path.is_file()]
    kinds = {path.suffix for path in files}
    assert {".wandb", ".log", ".yaml", ".json", ".csv", ".npz", ".ckpt", ".png", ".html", ".md"} <= kinds
    uploaded = [*server.files.values(), json.dumps([server.runs, server.history]).encode()]
    assert len(server.files) > 10
    printed = capfd.readouterr()
    texts = {str(path): path.read_bytes() for path in files}
    texts |= {f"upload {i}": content for i, content in enumerate(uploaded)}
    texts |= {"stdout": printed.out.encode(), "stderr": printed.err.encode()}
    assert [name for name, text in texts.items() if any(secret in text for secret in WRITTEN)] == []
