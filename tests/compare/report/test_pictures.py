"""What is seen of the samples behind the predictions, where the data are at hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from entreg.compare.report.pictures import pictures_of
from entreg.compare.study import read_study
from entreg.data import EMNIST
from entreg.runs import write_predictions
from tests.compare.run_folders import write_run


@pytest.fixture
def study_of_letters(tmp_path: Path, letter_files: Path):
    run = write_run(tmp_path / "runs")
    _, targets = EMNIST(root=str(letter_files)).load(train=False)
    write_predictions(run.predictions("test"), torch.zeros(130, 26), targets, torch.arange(130))
    config = yaml.safe_load(run.config.read_text())
    config["data"] = {"class_path": "entreg.data.EMNIST", "init_args": {"root": str(letter_files)}}
    run.config.write_text(yaml.safe_dump(config))
    return read_study([run.path])


def test_they_are_upright_and_named(study_of_letters, letter_files: Path) -> None:
    pictures = pictures_of(study_of_letters)
    stored, _ = EMNIST(root=str(letter_files)).load(train=False)
    third, first = pictures.of(torch.tensor([2, 0]))
    assert np.array_equal(third, stored[2, 0].T)
    assert np.array_equal(first, stored[0, 0].T)
    assert pictures.classes[:3] == ("a", "b", "c")


def test_another_root_can_be_named_and_an_empty_one_gives_none(study_of_letters, letter_files: Path, tmp_path) -> None:
    moved = letter_files.rename(tmp_path / "moved")
    assert pictures_of(study_of_letters) is None
    assert pictures_of(study_of_letters, str(moved)) is not None


def test_samples_with_other_labels_are_not_shown(tmp_path: Path, letter_files: Path, study_of_letters) -> None:
    run = study_of_letters.results[0].run
    write_predictions(run.predictions("test"), torch.zeros(130, 26), torch.zeros(130).long(), torch.arange(130))
    assert pictures_of(read_study([run.path])) is None
