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


def test_a_file_that_is_replaced_stays_whole_for_who_has_it_open(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    runs.write_json(target, {"a": 1})
    with target.open() as reader:
        runs.write_json(target, {"a": 2})
        assert json.load(reader) == {"a": 1}
    assert json.loads(target.read_text()) == {"a": 2}


def test_whole_numbers_are_no_logits(tmp_path: Path) -> None:
    path = tmp_path / "test.npz"
    np.savez(path, logits=np.zeros((2, 3), dtype=np.int64), targets=np.zeros(2), ids=np.zeros(2))
    with pytest.raises(RunError, match=r"logits int64\[2, 3\]"):
        runs.read_predictions(path)


class Creates:
    """What a pickle runs when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


def test_checking_a_checkpoint_runs_none_of_its_code(tmp_path: Path) -> None:
    content = {"state_dict": {}, "pytorch-lightning_version": "2", "evil": Creates(tmp_path / "ran")}
    torch.save(content, tmp_path / "evil.ckpt")
    with pytest.raises(RunError, match="cannot be opened as a checkpoint"):
        runs.check_checkpoint(tmp_path / "evil.ckpt")
    assert not (tmp_path / "ran").exists()
