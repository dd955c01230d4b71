"""What makes runs comparable: what differs is refused, left out, or made the same, and said."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from entreg.compare import analyse, measures_of, read_study
from entreg.errors import RunError
from entreg.runs import read_predictions, read_summary, write_predictions, write_summary
from entreg.runs.scoring import evaluate_predictions
from tests.compare.run_folders import without_predictions, write_run


@pytest.mark.parametrize(("images", "test_seed", "what"), [(400, 5, "other labels"), (390, 0, "other samples")])
def test_runs_of_another_test_set_are_refused(images: int, test_seed: int, what: str, tmp_path: Path) -> None:
    first = write_run(tmp_path)
    other = write_run(tmp_path, seed=1, images=images, test_seed=test_seed)
    with pytest.raises(RunError, match=f"{other.path} was tested on .*{what}.* than {first.path}"):
        read_study([first.path, other.path])


def test_a_set_that_is_not_the_same_in_all_runs_is_left_out_and_said_so(tmp_path: Path) -> None:
    first, second = (write_run(tmp_path, loss) for loss in ("cross_entropy", "mix_ent"))
    arrays = read_predictions(second.predictions("ood-noise"))
    logits, targets = (torch.from_numpy(arrays[key][:-1]) for key in ("logits", "targets"))
    write_predictions(second.predictions("ood-noise"), logits, targets, torch.arange(len(targets)))
    study = read_study([first.path, second.path])
    assert study.notes == ("ood set noise is left out: it does not hold the same samples in all runs",)
    assert all(result.scores["ood"] == {} for result in study.results)
    assert "auroc:noise" not in analyse(study).measures


def test_runs_of_one_number_of_bins_keep_it(tmp_path: Path) -> None:
    study = read_study([write_run(tmp_path, loss, bins=7).path for loss in ("cross_entropy", "mix_ent")])
    assert [result.bins for result in study.results] == [7, 7]
    assert study.notes == ()


def test_runs_of_other_bins_are_scored_with_those_of_most_runs_and_it_is_said(tmp_path: Path) -> None:
    fine = write_run(tmp_path, "mix_ent", 0, bins=40)
    study = read_study([fine.path, *(write_run(tmp_path, seed=seed).path for seed in (0, 1))])
    (note,) = study.notes
    assert "15 and 40 bins (metrics.bins): their calibration errors are all computed with 15 here" in note
    (result,) = study.arms["mix_ent"]
    assert result.bins == 15
    assert result.scores == evaluate_predictions(fine, bins=15)
    assert result.scores["test"]["ece"] != evaluate_predictions(fine, bins=40)["test"]["ece"]
    expected = 1e4 * result.scores["test"]["ece_debiased_squared"]
    assert measures_of(result)["ce2"].value == pytest.approx(expected, rel=1e-9)


def test_runs_without_predictions_are_told_apart_by_how_many_samples_they_were_tested_on(tmp_path: Path) -> None:
    first, other = write_run(tmp_path), write_run(tmp_path, seed=1)
    for run in (first, other):
        without_predictions(run)
    assert read_study([first.path, other.path]).results
    summary = read_summary(other)
    write_summary(other, summary | {"test": summary["test"] | {"n": 20}})
    with pytest.raises(RunError, match=r"400 and 20 samples"):
        read_study([first.path, other.path])


def test_bins_of_a_run_without_predictions_cannot_be_changed(tmp_path: Path) -> None:
    fine = write_run(tmp_path, "mix_ent", 0, bins=40)
    without_predictions(fine)
    with pytest.raises(RunError, match=r"has 40 bins .metrics.bins., most runs 15, and no predictions"):
        read_study([fine.path, *(write_run(tmp_path, seed=seed).path for seed in (0, 1))])
