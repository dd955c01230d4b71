from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from entreg import runs
from entreg.errors import RunError


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


def test_whole_numbers_are_no_logits(tmp_path: Path) -> None:
    path = tmp_path / "test.npz"
    np.savez(path, logits=np.zeros((2, 3), dtype=np.int64), targets=np.zeros(2), ids=np.zeros(2))
    with pytest.raises(RunError, match=r"logits int64\[2, 3\]"):
        runs.read_predictions(path)
