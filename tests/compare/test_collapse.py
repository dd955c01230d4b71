"""Runs that finished and learnt nothing are recognised, named, and keep their numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from entreg.compare import analyse, read_result, read_study
from entreg.compare.collapse import is_collapsed
from entreg.compare.report import arms_sheet, verdict_sentences
from entreg.runs import Run, read_predictions, read_summary, write_predictions, write_summary
from entreg.runs.scoring import evaluate_predictions
from tests.compare.run_folders import write_run, write_study


def rewrite(run: Run, given: np.ndarray, targets: np.ndarray) -> Run:
    """Let a run give these classes to samples of those."""
    logits = 5 * torch.eye(5)[torch.from_numpy(given)]
    write_predictions(run.predictions("test"), logits, torch.from_numpy(targets), torch.arange(len(given)))
    return run


@pytest.mark.parametrize(
    ("shares", "given", "collapsed"),
    [
        ([0.2] * 5, "guesses", True),
        ([0.2] * 5, "one class", True),
        ([0.2] * 5, "one class but for some", True),  # better than chance by more than its error
        ([0.2] * 5, "half are right", False),
        ([0.96, 0.01, 0.01, 0.01, 0.01], "half of the rare are right", False),  # 95 % are of one class
        ([0.96, 0.01, 0.01, 0.01, 0.01], "one class", True),
    ],
)
def test_chance_and_one_class_are_a_collapse(tmp_path: Path, shares: list[float], given: str, collapsed: bool) -> None:
    rng = np.random.default_rng(0)
    targets = rng.choice(5, 2000, p=shares)
    classes = {
        "guesses": rng.integers(5, size=2000),
        "one class": np.zeros(2000, int),
        "one class but for some": np.where(np.arange(2000) < 90, targets, 0),
        "half are right": np.where(np.arange(2000) < 1000, targets, rng.integers(5, size=2000)),
        "half of the rare are right": np.where(np.arange(2000) < 1000, targets, 0),
    }
    run = rewrite(write_run(tmp_path), classes[given], targets)
    assert is_collapsed(read_result(run.path)) is collapsed


def test_they_are_in_the_table_and_in_the_sentence_and_keep_their_numbers(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 3, cross_entropy=2.0, min_ent=2.6)
    targets = read_predictions(Run(folders[0]).predictions("test"))["targets"]
    run = rewrite(Run(folders[3]), np.zeros_like(targets), targets)
    analysis = analyse(read_study(folders))
    assert analysis.study.collapsed == {"min_ent": [0]}
    assert [row[1] for row in arms_sheet(analysis).rows] == ["3", "3 (1 collapsed)"]
    said = verdict_sentences(analysis)[1]
    assert said.endswith("; of min_ent 1 of 3 seeds collapsed: no better than chance, or one class for nearly all")
    assert analysis.values["acc"]["min_ent"][0] == pytest.approx(100 * (targets == 0).mean())
    write_summary(run, {**read_summary(run), **evaluate_predictions(run), "finished": True})
    for path in run.all_predictions():
        path.unlink()
    assert is_collapsed(read_result(run.path))
