from __future__ import annotations

from pathlib import Path

import pytest
import torch

import entreg
from entreg.errors import RunError
from entreg.inference.slim import slim
from entreg.runs import Run
from tests.inference.test_classifier import images_and_logits
from tests.net_runs import run_of


def test_the_copy_is_the_classifier_with_weights_in_bfloat16(tmp_path_factory, tmp_path: Path) -> None:
    run = run_of("LeNet", tmp_path_factory)
    copy = slim(run, tmp_path / "letters-x")
    assert sorted(path.name for path in copy.path.rglob("*") if path.is_file()) == [
        "best.ckpt",
        "config.yaml",
        "summary.json",
    ]
    weights, rounded = (entreg.load(one).module.state_dict() for one in (run, copy))
    for name, tensor in weights.items():
        expected = tensor.bfloat16().float() if tensor.is_floating_point() else tensor
        assert torch.equal(rounded[name], expected)
    images, written = images_and_logits(run)
    assert (entreg.load(copy).logits(images) - written).abs().max() < 0.1
    stored = torch.load(copy.checkpoint("best"), weights_only=True)["state_dict"]
    assert {tensor.dtype for tensor in stored.values() if tensor.is_floating_point()} == {torch.bfloat16}


def test_of_a_run_that_is_not_finished_there_is_no_copy(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no checkpoints/best\.ckpt"):
        slim(Run(tmp_path / "none-x"), tmp_path / "letters-x")
    assert not (tmp_path / "letters-x").exists()
