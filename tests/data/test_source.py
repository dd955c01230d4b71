"""What a data set is: where it is looked for, and what of it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from entreg.data.source import LabelSpace, Source, data_root
from entreg.errors import DataError


class Letters(Source):
    classes = ("a", "b")

    def load(self, train: bool) -> tuple[torch.Tensor, torch.Tensor]:
        return torch.zeros(4, 1, 2, 2, dtype=torch.uint8), torch.tensor([0, 1, 1, 2 if train else 0])


def test_the_root_is_the_one_given_else_the_environments_else_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENTREG_DATA", "/elsewhere")
    assert data_root("here") == Path("here")
    assert data_root(None) == Path("/elsewhere")
    monkeypatch.setenv("ENTREG_DATA", "")
    assert data_root(None) == Path("data")
    monkeypatch.delenv("ENTREG_DATA")
    assert data_root(None) == Path("data")


def test_a_source_counts_its_classes_and_needs_no_files() -> None:
    source = Letters()
    assert source.num_classes == 2
    assert source.symbols == (frozenset("a"), frozenset("b"))
    assert source.missing(True) == source.files(True) == []
    assert source.checksums(True) == {}
    assert source.label_space == LabelSpace("Letters", ("a", "b"), (frozenset("a"), frozenset("b")), domain="")
    assert source.shown(torch.zeros(1, 2)) is None


def test_what_is_loaded_is_checked() -> None:
    images, targets = Letters().checked(train=False)
    assert len(images) == len(targets) == 4
    with pytest.raises(DataError, match="Letters training file: labels run from 0 to 2, expected 0 to 1"):
        Letters().checked(train=True)
