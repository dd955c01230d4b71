from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from entreg import runs
from entreg.errors import RunError


@pytest.mark.parametrize("content", [None, b"nothing", {"weight": torch.zeros(1)}])
def test_what_is_no_checkpoint_is_refused(content: object, tmp_path: Path) -> None:
    if isinstance(content, bytes):
        (tmp_path / "not.ckpt").write_bytes(content)
    elif content is not None:
        torch.save(content, tmp_path / "not.ckpt")
    with pytest.raises(RunError, match=r"not\.ckpt: cannot be opened as a checkpoint"):
        runs.check_checkpoint(tmp_path / "not.ckpt")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    runs.write_json(target, {"a": 1})
    with pytest.raises(TypeError, match="not JSON serializable"):
        runs.write_json(target, {"a": object()})
    with pytest.raises(RunError), runs.atomic_path(target):
        pass  # nothing was written to the part
    assert json.loads(target.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [target]


def test_what_cannot_be_written_is_a_run_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        runs.write_json(tmp_path / "file" / "a.json", {})


def test_predictions_are_sorted_by_id_and_float32(tmp_path: Path) -> None:
    logits = torch.randn(5, 3, dtype=torch.float64)
    ids = torch.tensor([3, 0, 4, 1, 2])
    runs.write_predictions(tmp_path / "p" / "test.npz", logits, ids % 3, ids)
    read = runs.read_predictions(tmp_path / "p" / "test.npz")
    assert read["ids"].tolist() == [0, 1, 2, 3, 4]
    assert np.array_equal(read["logits"], logits[ids.argsort()].float().numpy())
    assert np.array_equal(read["targets"], np.arange(5) % 3)


def test_predictions_with_a_pickle_inside_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "evil.npz"
    np.savez(path, logits=np.array([object()], dtype=object), targets=np.zeros(1), ids=np.zeros(1))
    with pytest.raises(RunError, match="is not a file of predictions"):
        runs.read_predictions(path)
