"""A stranger's file runs no code: pickles as checkpoints, predictions or state are refused in one line."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from entreg.__main__ import main
from entreg.runs import Run


class Malicious:
    """Creates a file when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.canary,)


def as_torch(path: Path, payload: object) -> None:
    torch.save({"state_dict": payload, "pytorch-lightning_version": "2.6.0", "epoch": 0, "global_step": 0}, path)


def as_old_torch(path: Path, payload: object) -> None:
    torch.save({"state_dict": payload}, path, _use_new_zipfile_serialization=False)


def as_pickle(path: Path, payload: object) -> None:
    path.write_bytes(pickle.dumps(payload))


def as_callback_state(path: Path, payload: object) -> None:
    """Hide it in a checkpoint that is good but for the state of one callback."""
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["callbacks"]["ObserveLoss"] = payload
    torch.save(checkpoint, path)


WRITERS = [as_torch, as_old_torch, as_pickle, as_callback_state]


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    path = tmp_path / "canary"
    pickle.loads(pickle.dumps(Malicious(path)))
    path.unlink()  # it sings
    return path


def assert_refused(code: int, canary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    errors = capsys.readouterr().err
    assert code == 1
    assert errors.startswith("entreg: ")
    assert errors.count("\n") == 1
    assert not canary.exists()


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("write", WRITERS)
def test_a_checkpoint_with_code_in_it_is_refused(
    write: Callable[[Path, object], None], fit: Callable[..., Run], canary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit("--trainer.max_epochs", "1")
    folder, config = str(run.path), str(run.config)
    for path in run.path.glob("checkpoints/*.ckpt"):
        if write is as_callback_state:
            path.write_bytes(run.checkpoint("last").read_bytes())
        write(path, Malicious(canary))
    capsys.readouterr()
    best = str(run.checkpoint("best"))
    for command in (
        ["fit", "--run", folder],
        ["test", "--run", folder],
        ["test", "--config", config, "--ckpt_path", best],
    ):
        assert_refused(main(command), canary, capsys)
    pictures = run.path.parent / "pictures"
    pictures.mkdir()
    assert_refused(main(["predict", "--run", folder, "--images", str(pictures)]), canary, capsys)


@pytest.mark.parametrize("name", ["val", "test"])
def test_predictions_with_code_in_them_are_refused(
    name: str, fit: Callable[..., Run], canary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = fit("--trainer.max_epochs", "1")
    payload = np.array([Malicious(canary)], dtype=object)
    np.savez(run.predictions(name), logits=payload, targets=payload, ids=payload)
    capsys.readouterr()
    assert_refused(main(["compare", str(run.path)]), canary, capsys)
    run.predictions(name).write_bytes(pickle.dumps(Malicious(canary)))
    assert_refused(main(["compare", str(run.path)]), canary, capsys)


def test_a_journal_of_a_sweep_is_text(workplace: Path, canary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "sweeps" / "s").mkdir(parents=True)
    (workplace / "sweeps" / "s" / "study.log").write_bytes(pickle.dumps(Malicious(canary)) + b"\n")
    (workplace / "sweep.yaml").write_text("name: s\nparameters: {seed_everything: [0]}\n")
    assert_refused(main(["sweep", "--config", "sweep.yaml"]), canary, capsys)
