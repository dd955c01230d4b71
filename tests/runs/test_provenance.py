from __future__ import annotations

import importlib.metadata

import pytest
import torch

from entreg.runs.provenance import environment, processor


def test_environment_names_the_versions() -> None:
    assert environment()["versions"]["torch"] == importlib.metadata.version("torch")


def test_a_machine_without_git_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert environment()["git_commit"] is None


def test_a_processor_has_a_name() -> None:
    assert processor(torch.device("cpu"))
