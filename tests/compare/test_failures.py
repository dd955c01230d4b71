"""Runs that did not finish are counted, and an arm is not better because its bad seeds are missing."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from entreg.compare import analyse, read_study
from entreg.compare.failures import failure_of
from entreg.compare.report import arms_sheet, verdict_sentences
from entreg.compare.result import read_result
from entreg.runs import Run, read_predictions, read_summary, write_predictions, write_summary
from tests.compare.run_folders import write_run, write_study


def lose(folder: Path, diverged: bool) -> None:
    """Make a run one that did not finish."""
    run = Run(folder)
    for path in run.all_predictions():
        path.unlink()
    write_summary(run, {"history": [{"step": 0}], "finished": False} | {"name": read_summary(run)["name"]})
    if diverged:
        run.checkpoint("post-mortem").parent.mkdir(exist_ok=True)
        run.checkpoint("post-mortem").touch()


@pytest.fixture
def folders(tmp_path: Path) -> list[Path]:
    folders = write_study(tmp_path, 5, cross_entropy=2.0, min_ent=2.6)
    lose(tmp_path / "min_ent-0", diverged=True)
    lose(tmp_path / "min_ent-1", diverged=True)
    lose(tmp_path / "min_ent-2", diverged=False)
    return folders


def test_they_are_in_the_table_and_in_the_sentence(folders: list[Path]) -> None:
    analysis = analyse(read_study(folders))
    assert [row[1] for row in arms_sheet(analysis).rows] == ["5", "2 of 5 (2 diverged, 1 unfinished)"]
    said = verdict_sentences(analysis)[1]
    assert (
        "; of min_ent 2 of 5 seeds finished (2 diverged, 1 unfinished); with the others counted as guessing: " in said
    )
    assert "accuracy" in said.rpartition("guessing: ")[2]


def test_who_guesses_is_right_in_one_of_five(folders: list[Path]) -> None:
    analysis = analyse(read_study(folders), metrics=["acc", "nll", "ce2"])
    again = analysis.with_failures["acc"]["min_ent", "cross_entropy"]
    ours, theirs = (analysis.values["acc"][arm] for arm in ("min_ent", "cross_entropy"))
    assert again.n == 5
    assert again.difference == pytest.approx((3 * 20 + sum(ours)) / 5 - sum(theirs) / 5)
    assert again.outcome != "better"
    assert analysis.with_failures["nll"]["min_ent", "cross_entropy"].difference > 0
    assert analysis.with_failures["ce2"] == {}


def test_a_run_that_has_finished_with_logits_that_are_no_numbers_has_diverged(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 3, cross_entropy=2.0, min_ent=2.05)
    test = Run(tmp_path / "min_ent-1").predictions("test")
    arrays = read_predictions(test)
    write_predictions(test, torch.full((400, 5), torch.nan), *map(torch.from_numpy, (arrays["targets"], arrays["ids"])))
    assert [(each.seed, each.what) for each in read_study(folders).failures["min_ent"]] == [(1, "diverged")]


@pytest.mark.parametrize(("trained_on", "is_of_it"), [("0123", True), ("4567", False), (None, True)])
def test_a_run_is_of_the_arm_that_was_trained_on_its_data(
    trained_on: str | None, is_of_it: bool, tmp_path: Path
) -> None:
    finished, lost = (write_run(tmp_path, "min_ent", seed) for seed in (0, 1))
    lose(lost.path, diverged=True)
    if trained_on is not None:
        write_summary(lost, {**read_summary(lost), "data": {"name": "Strokes", "train": trained_on}})
    failure = failure_of(lost.path)
    assert failure is not None
    assert failure.is_of(read_result(finished.path)) is is_of_it


def test_a_seed_that_was_trained_again_has_not_failed(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 3, cross_entropy=2.0, min_ent=2.05)
    again = write_study(tmp_path / "again", 3, min_ent=2.05)
    lose(tmp_path / "min_ent-1", diverged=True)
    assert read_study([*folders, again[1]]).failures == {}
    assert [failure.seed for failure in read_study(folders).failures["min_ent"]] == [1]
