from __future__ import annotations

import pytest
import torch

from entreg.cli.machine import best_precision, sync_batchnorm
from entreg.errors import ConfigError


@pytest.mark.parametrize(("flags", "precision"), [({"amx_bf16": True}, "bf16-mixed"), ({}, "32-true")])
def test_precision_follows_the_processor(
    flags: dict[str, bool], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: flags, raising=False)
    assert best_precision("cpu") == precision


@pytest.mark.parametrize(("supported", "precision"), [(True, "bf16-mixed"), (False, "32-true")])
def test_precision_follows_the_gpu(supported: bool, precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: supported)
    assert best_precision("auto") == precision


@pytest.mark.parametrize("cuda", [True, False])
def test_batchnorm_is_synchronised_on_cuda_unless_told_otherwise(cuda: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    assert sync_batchnorm(None, "auto", new=True) is cuda
    assert sync_batchnorm(False, "auto", new=True) is False
    assert sync_batchnorm(None, "cpu", new=True) is False
    with pytest.raises(ConfigError, match="on CUDA only"):
        sync_batchnorm(True, "cpu", new=True)
    assert sync_batchnorm(True, "cpu", new=False) is False  # a run from a GPU is looked at
