"""Files that are read once for a process and its forks."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from entreg.data import kept
from entreg.data.kept import keep, once


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Tensor]:
    """Reads a file of one number; its attribute counts how often."""
    monkeypatch.setattr(kept, "_kept", {})
    monkeypatch.setattr(kept, "_keeper", None)
    path = tmp_path / "file"
    path.write_text("1")

    def really() -> Tensor:
        reader.times += 1  # type: ignore[attr-defined]
        return torch.tensor([int(path.read_text())])

    def reader(how: str = "plain") -> Tensor:
        return once(how, [path], really)

    reader.times, reader.path = 0, path  # type: ignore[attr-defined]
    return reader


def test_a_process_that_keeps_nothing_reads_each_time(read) -> None:
    assert read() == read() == 1
    assert read.times == 2


def test_a_keeper_reads_once_and_hands_out_copies(read) -> None:
    keep()
    read().zero_()
    read().zero_()
    assert read() == 1
    assert read.times == 1


def test_what_changes_or_is_read_in_another_way_is_read_again(read) -> None:
    keep()
    read()
    read("another")
    assert read.times == 2
    read.path.write_text("22")
    assert read() == 22
    read.path.unlink()
    with pytest.raises(FileNotFoundError):
        read()


def test_a_fork_takes_over_what_was_kept_without_copying_it(read) -> None:
    keep()
    read()
    (value,) = kept._kept.values()
    if not (child := os.fork()):  # what it says is its exit code
        first, second = read(), read()
        os._exit(10 * read.times + (first is value) + int(second == 1))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 22
    assert read() == 1
    assert read.times == 1
