from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb

from entreg.__main__ import main
from entreg.data import Strokes
from entreg.runs import Run, open_run
from tests.conftest import FINISHED, made_once, working_in
from tests.system.wandb_file import records
from tests.system.wandb_server import WandbServer

WANDB = ("--trainer.logger", "WandbLogger", "--trainer.logger.project", "entreg")


@pytest.fixture(autouse=True)
def _fresh_wandb() -> Iterator[None]:
    """W&B reads the environment once a process, so that each test needs it anew."""
    yield
    wandb.teardown()


class Logged:
    """What the ``.wandb`` file of an offline run holds.

    Attributes:
        run: its run folder.
        printed: what the command has printed, on stdout and stderr.
        files: folder of the files that are logged.
        header: first record of the run.
        config: last value of each key.
        summary: likewise.
        history: fields of the last entry of each key.
        steps: trainer's step of each row.
        artifacts: local copy of each file of an artifact.
    """

    def __init__(self, run: Run, printed: str) -> None:
        self.run, self.printed = run, printed
        (path,) = run.path.glob("wandb/offline-run-*/*.wandb")
        self.files = path.parent / "files"
        self.header: Any = None
        self.config: dict[str, Any] = {}
        self.summary: dict[str, Any] = {}
        self.history: dict[str, dict[str, Any]] = {}
        self.steps: list[int] = []
        self.artifacts: dict[str, Path] = {}
        for record in records(path):
            if record.HasField("run"):
                self.header = self.header or record.run
            for part, items in (("config", record.config.update), ("summary", record.summary.update)):
                for item in items:
                    getattr(self, part)[item.key or "/".join(item.nested_key)] = json.loads(item.value_json)
            for item in record.history.item:
                key, *field = item.nested_key
                value = json.loads(item.value_json)
                self.history.setdefault(key, {})["/".join(field)] = value
                if key == "trainer/global_step":
                    self.steps.append(value)
            for content in record.artifact.manifest.contents:
                self.artifacts[content.path] = Path(content.local_path)


@pytest.fixture(scope="session")
def logged(tmp_path_factory: pytest.TempPathFactory, strokes_root: Path) -> Logged:
    """A finished run that was logged offline, of letters that are stored on their side; made once for all tests."""

    def make(folder: Path) -> None:
        command = ["fit", *FINISHED, *WANDB, "--name", "study", "--seed_everything", "3"]
        printed = io.StringIO()
        with working_in(folder, strokes_root), pytest.MonkeyPatch.context() as patch:
            patch.setattr(Strokes, "transposed", True)
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed):
                assert main(command) == 0
            wandb.teardown()  # ends the service, which may still hold the end of the file
        (folder / "printed.txt").write_text(printed.getvalue())

    folder = made_once(tmp_path_factory, "logged", make)
    (path,) = (folder / "runs").glob("*")
    return Logged(open_run(path), (folder / "printed.txt").read_text())


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WandbServer]:
    """A server that answers as W&B's does, under the address that W&B is told."""
    server = WandbServer()
    monkeypatch.setenv("WANDB_BASE_URL", server.url)
    yield server
    server.close()
