from __future__ import annotations

from pathlib import Path

import pytest
import torch

from entreg.callbacks import AtomicCheckpointIO, CheckpointOptions


def test_the_checkpoint_before_the_last_is_kept(tmp_path: Path) -> None:
    io = AtomicCheckpointIO()
    for step in range(3):
        io.save_checkpoint({"step": step}, tmp_path / "last.ckpt")
    kept = {path.stem: torch.load(path, weights_only=True)["step"] for path in tmp_path.iterdir()}
    assert kept == {"last": 2, "previous": 1}


def test_a_failed_write_leaves_the_last_checkpoint(tmp_path: Path) -> None:
    io = AtomicCheckpointIO()
    io.save_checkpoint({"step": 0}, tmp_path / "last.ckpt")
    with pytest.raises(Exception, match="pickle"):
        io.save_checkpoint({"step": lambda: None}, tmp_path / "last.ckpt")
    assert torch.load(tmp_path / "last.ckpt", weights_only=True) == {"step": 0}
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def test_other_checkpoints_have_no_previous(tmp_path: Path) -> None:
    io = AtomicCheckpointIO()
    for step in range(2):
        io.save_checkpoint({"step": step}, tmp_path / "best.ckpt")
    assert [path.name for path in tmp_path.iterdir()] == ["best.ckpt"]


def test_steps_between_checkpoints_are_a_number() -> None:
    with pytest.raises(ValueError, match=r"^checkpoint.every_n_steps is a number >= 1, got 0$"):
        CheckpointOptions(every_n_steps=0)
