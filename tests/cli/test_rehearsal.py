"""The rehearsal of a fit: what it leaves for the trials, and that it leaves nothing else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch

from entreg.cli.rehearsal import prepare
from entreg.data import kept
from tests.conftest import TINY
from tests.data.images.picture_files import write_cifar, write_folder
from tests.data.images.sets.idx_files import write_letters


@pytest.fixture(autouse=True)
def _keeper_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "_kept", {})
    monkeypatch.setattr(kept, "_keeper", None)


@pytest.mark.parametrize(
    ("data", "files"),
    [
        (["letters"], 4),  # images and labels, of training and test
        (["CIFAR10"], 2),
        (["ImageFolder", "--data.image_size", "28"], 3),  # decoded images, and what tells the training files apart
    ],
)
def test_the_files_of_the_data_are_kept_and_nothing_is_written(
    data: list[str], files: int, workplace: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    root = write_letters(workplace / "all", train=520, test=130)
    write_cifar(root, monkeypatch)
    write_folder(root)
    before = set(workplace.rglob("*"))
    prepare(["fit", "--model.loss", "mix_ent", "--data", *data, "--data.root", str(root)])
    assert len(kept._kept) == files
    assert set(workplace.rglob("*")) == before
    assert not torch.cuda.is_initialized()
    assert "rehearsal" not in capfd.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["fit", *TINY, "--model.loss_rl", "1"], "rehearsal: ConfigError: "),
        (["fit", *TINY, "--model.net", "user_file.Absent"], "rehearsal: ConfigError: "),
        (["fit"], "rehearsal: ConfigError: "),
    ],
)
def test_a_mistake_is_left_for_the_trial(
    words: list[str], said: str, workplace: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    prepare(words)
    assert said in capfd.readouterr().err


def test_absent_data_are_left_for_the_trial(workplace: Path, capfd: pytest.CaptureFixture[str]) -> None:
    os.makedirs("empty")
    prepare(["fit", "--model.loss", "mix_ent", "--data", "letters", "--data.root", "empty"])
    assert kept._kept == {}
    assert "rehearsal" not in capfd.readouterr().err
