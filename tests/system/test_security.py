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
from entreg.errors import RunError
from entreg.runs import Run, check_checkpoint


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
    write: Callable[[Path, object], None], finished_copy: Run, canary: Path
) -> None:
    path = finished_copy.checkpoint("last")
    write(path, Malicious(canary))
    with pytest.raises(RunError, match="cannot be opened as a checkpoint"):
        check_checkpoint(path)
    assert not canary.exists()


def test_every_command_refuses_it(
    finished_copy: Run, workplace: Path, canary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, config = str(finished_copy.path), str(finished_copy.config)
    for path in finished_copy.path.glob("checkpoints/*.ckpt"):
        path.write_bytes(finished_copy.checkpoint("last").read_bytes())
        as_callback_state(path, Malicious(canary))
    for command in (
        ["fit", "--run", folder],
        ["test", "--run", folder],
        ["test", "--config", config, "--ckpt_path", str(finished_copy.checkpoint("best"))],
    ):
        assert_refused(main(command), canary, capsys)
    (workplace / "pictures").mkdir()
    assert_refused(main(["predict", "--run", folder, "--images", "pictures"]), canary, capsys)


def test_predictions_with_code_in_them_are_refused(
    finished_copy: Run, canary: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    payload = np.array([Malicious(canary)], dtype=object)
    np.savez(finished_copy.predictions("test"), logits=payload, targets=payload, ids=payload)
    assert_refused(main(["compare", str(finished_copy.path)]), canary, capsys)
    finished_copy.predictions("val").write_bytes(pickle.dumps(Malicious(canary)))
    assert_refused(main(["compare", str(finished_copy.path)]), canary, capsys)


def test_a_journal_of_a_sweep_is_text(workplace: Path, canary: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (workplace / "sweeps" / "s").mkdir(parents=True)
    (workplace / "sweeps" / "s" / "study.log").write_bytes(pickle.dumps(Malicious(canary)) + b"\n")
    (workplace / "sweep.yaml").write_text("name: s\nparameters: {seed_everything: [0]}\n")
    assert_refused(main(["sweep", "--config", "sweep.yaml"]), canary, capsys)
