"""Online runs whose W&B goes away: the real client in a process of its own, against a server on loopback."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wandb

from entreg.runs import Run, open_run, read_predictions, read_summary
from tests.conftest import TINY
from tests.system.processes import Process
from tests.system.wandb_file import records
from tests.system.wandb_server import PROJECT, WandbServer

WANDB = ("--trainer.logger", "WandbLogger", "--trainer.logger.project", PROJECT)
CUT_OFF = ("--trainer.callbacks", "outage_file.Outage", "--runs", "cut-off")
OUTAGE_FILE = """
import os
import signal
import subprocess
from urllib.request import Request, urlopen

from lightning.pytorch import Callback


class Outage(Callback):
    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        if trainer.global_step != 3:
            return
        if "OUTAGE" in os.environ:
            urlopen(Request(os.environ["OUTAGE"], method="POST")).close()
        else:
            found = subprocess.run(["pgrep", "-P", str(os.getpid()), "wandb-core"], check=True, capture_output=True)
            os.kill(int(found.stdout), signal.SIGTERM)
"""


@pytest.fixture
def server() -> Iterator[WandbServer]:
    server = WandbServer()
    yield server
    server.close()


def login(server: WandbServer) -> dict[str, str]:
    return {"WANDB_BASE_URL": server.url, "WANDB_API_KEY": "k" * 40}


def fit_online(server: WandbServer, *options: str, **environment: str) -> Process:
    """Run ``entreg fit`` in a process of its own, logged in to ``server``."""
    Path("outage_file.py").write_text(OUTAGE_FILE)
    command = ("fit", *TINY, "--figures", "true", *WANDB, *options)
    process = Process(Path.cwd(), *command, **login(server), **environment)
    process.wait(240)
    return process


def the_run(base: str) -> Run:
    (path,) = Path(base).iterdir()
    return open_run(path)


def files_of(run: Run) -> set[Path]:
    paths = (path.relative_to(run.path) for path in run.path.rglob("*") if path.is_file())
    return {path for path in paths if path.parts[0] != "wandb"}


def assert_same_results(run: Run, reference: Run) -> None:
    assert files_of(run) == files_of(reference)
    ours, theirs = (read_summary(r) for r in (run, reference))
    for key in ("val", "test", "ood", "temperature", "coefficients", "epochs", "steps"):
        assert ours[key] == theirs[key]
    for name in ("val", "test", "ood-noise"):
        ours, theirs = (read_predictions(r.predictions(name)) for r in (run, reference))
        assert all(np.array_equal(ours[key], theirs[key]) for key in ours)
    rows, expected = (pd.read_csv(r.metrics)[["step", "name", "value"]] for r in (run, reference))
    pd.testing.assert_frame_equal(rows, expected, check_exact=True)


@pytest.mark.long
def test_a_server_that_goes_away_costs_nothing(server: WandbServer, workplace: Path) -> None:
    usual = fit_online(server)
    assert (usual.wait(), usual.errors) == (0, "")
    assert "W&B" not in usual.printed
    assert list(server.runs) == [the_run("runs").id]
    assert server.exits == [0]
    keys = {key for row in server.history for key in row}
    assert {"val/acc", "train/ece", "test/nll", "test/confusion", "test/worst_errors"} <= keys
    assert "test/worst_errors.table.json" in server.files

    server.history.clear()
    done = fit_online(server, *CUT_OFF, OUTAGE=f"{server.url}/control/refuse", WANDB_FINISH_TIMEOUT="2")
    run = the_run("cut-off")
    assert done.wait() == 0, done.errors
    assert not server.history
    assert_same_results(run, the_run("runs"))

    *_, table, last = done.printed.splitlines()
    assert re.fullmatch(r"W&B: 127.0.0.1 cannot be reached .*; the table of the worst test errors is not logged", table)
    message, command = last.split("; later: wandb ")
    assert message == "W&B: Timed out finishing run, not all of the run was uploaded"

    back = WandbServer()
    synced = subprocess.run(
        [sys.executable, "-m", "wandb", *shlex.split(command)],
        env={**os.environ, **login(back)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert synced.returncode == 0, synced.stderr
    assert list(back.runs) == [run.id]
    assert {"val/acc", "train/ece", "test/nll", "test/confusion"} <= {key for row in back.history for key in row}
    assert back.exits == [0]
    back.close()


def test_the_end_of_its_process_costs_nothing(
    fit: Callable[..., Run], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """SLURM, for one, sends its signals to W&B's process too."""
    Path("outage_file.py").write_text(OUTAGE_FILE)
    monkeypatch.setenv("WANDB_MODE", "offline")
    run = fit(*WANDB, "--trainer.callbacks", "outage_file.Outage")
    lost, last = (line for line in capfd.readouterr().out.splitlines() if line.startswith("W&B: "))
    assert lost.endswith("; nothing more is logged to it, all of it is in the run folder")
    (folder,) = (path for path in run.path.glob("wandb/*") if path.is_dir() and not path.is_symlink())
    assert last.endswith(f"; later: wandb sync --include-online {folder.relative_to(Path.cwd())}")

    after = fit(*WANDB)
    wandb.teardown()  # ends the service, which may still hold the end of the file
    assert_same_results(run, after)
    assert "W&B: " not in capfd.readouterr().out
    (path,) = after.path.glob("wandb/offline-run-*/*.wandb")
    assert any(record.HasField("exit") for record in records(path))


@pytest.mark.slow
@pytest.mark.parametrize("outage", ["hang", "503", "403", "no process"])
def test_no_outage_costs_the_training_or_more_than_a_minute(outage: str, server: WandbServer, workplace: Path) -> None:
    environment = {} if outage == "no process" else {"OUTAGE": f"{server.url}/control/{outage}"}
    started = time.monotonic()
    fit_online(server)
    ended = time.monotonic()
    done = fit_online(server, *CUT_OFF, **environment)
    assert time.monotonic() - ended < ended - started + 60
    assert done.wait() == 0, done.errors
    assert "Traceback" not in done.errors
    assert "W&B: " in done.printed
    assert "wandb sync" in done.output
    assert_same_results(the_run("cut-off"), the_run("runs"))


@pytest.mark.slow
def test_a_server_that_hangs_at_the_start_is_one_line(server: WandbServer, workplace: Path) -> None:
    server.silent = "/graphql"  # while it still answers whether it is there
    done = fit_online(server, WANDB_INIT_TIMEOUT="5")
    assert done.wait() == 1
    assert [line for line in done.errors.splitlines() if line.startswith("entreg: W&B: ")]
    assert "Traceback" not in done.errors
    assert not Path("runs").exists()
