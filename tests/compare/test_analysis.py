"""The comparison of a study: paired by seed, with the baseline that is meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from entreg.compare.analysis import analyse
from entreg.compare.study import read_study
from entreg.errors import ConfigError
from entreg.runs import read_predictions, write_predictions
from tests.compare.run_folders import write_run, write_study


def test_a_clear_difference_is_seen_and_none_is_not(tmp_path: Path) -> None:
    analysis = analyse(read_study(write_study(tmp_path, 5)))
    assert analysis.baseline == "cross_entropy"
    assert analysis.others == ["min_ent", "mix_ent"]
    found = analysis.comparisons["acc"]
    assert found["mix_ent"].outcome == "worse"
    assert found["min_ent"].outcome == "undecided"
    assert found["mix_ent"].n == 5


def test_numbers_are_those_of_scipy(tmp_path: Path) -> None:
    analysis = analyse(read_study(write_study(tmp_path, 4)))
    ours, theirs = (np.array(analysis.values["acc"][label]) for label in ("mix_ent", "cross_entropy"))
    comparison = analysis.comparisons["acc"]["mix_ent"]
    assert comparison.difference == pytest.approx((ours - theirs).mean())
    assert comparison.paired.p == pytest.approx(stats.ttest_rel(ours, theirs).pvalue, rel=1e-9)
    low, high = stats.t.interval(0.95, 3, ours.mean(), stats.sem(ours))
    assert analysis.estimates["acc"]["mix_ent"].interval == pytest.approx((low, high))


def test_seeds_that_one_arm_lacks_are_left_out_of_its_pairs(tmp_path: Path) -> None:
    folders = [folder for folder in write_study(tmp_path, 4) if folder.name not in ("mix_ent-0", "cross_entropy-3")]
    analysis = analyse(read_study(folders))
    assert analysis.comparisons["acc"]["mix_ent"].n == 2
    assert analysis.comparisons["acc"]["min_ent"].n == 3
    assert analysis.estimates["acc"]["mix_ent"].n == 3


def test_one_seed_leaves_a_test_of_two_checkpoints(tmp_path: Path) -> None:
    comparison = analyse(read_study(write_study(tmp_path, 1))).comparisons["acc"]["mix_ent"]
    assert comparison.verdict == "one seed: per-checkpoint test only"
    assert comparison.checkpoints is not None
    assert comparison.checkpoints.only_b > comparison.checkpoints.only_a
    said = comparison.checkpoints.describe("mix_ent", "cross_entropy")
    assert said.startswith(f"the checkpoint of mix_ent alone is right on {comparison.checkpoints.only_a} images")
    assert "about these two checkpoints, not about their losses" in said


def test_the_margin_makes_equivalence_testable(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 5, cross_entropy=2.0, min_ent=2.0)
    assert (
        analyse(read_study(folders), margins={"acc": 30.0}).comparisons["acc"]["min_ent"].verdict
        == "equivalent within 30"
    )


def test_one_arm_has_no_baseline(tmp_path: Path) -> None:
    analysis = analyse(read_study(write_study(tmp_path, 2, mix_ent=1.0)))
    assert analysis.baseline is None
    assert analysis.comparisons["acc"] == {}
    assert analysis.estimates["acc"]["mix_ent"].n == 2


def test_only_what_every_run_has_is_compared(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, "cross_entropy", 0).path, write_run(tmp_path, "mix_ent", 0, ood=False).path]
    assert "auroc:noise" not in analyse(read_study(folders)).measures


def test_an_unknown_metric_is_a_config_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="--metric f1: expected one that every run has: acc, nll"):
        analyse(read_study(write_study(tmp_path, 1)), metrics=["f1"])


def test_a_set_that_is_not_the_same_in_all_runs_is_left_out_and_said_so(tmp_path: Path) -> None:
    first, second = (write_run(tmp_path, loss) for loss in ("cross_entropy", "mix_ent"))
    arrays = read_predictions(second.predictions("ood-noise"))
    logits, targets = (torch.from_numpy(arrays[key][:-1]) for key in ("logits", "targets"))
    write_predictions(second.predictions("ood-noise"), logits, targets, torch.arange(len(targets)))
    study = read_study([first.path, second.path])
    assert study.notes == ("ood set noise is left out: it does not hold the same images in all runs",)
    assert "auroc:noise" not in analyse(study).measures


@pytest.mark.parametrize("skill", [2.0, 1.0])
def test_a_margin_is_for_the_metric_it_names(skill: float, tmp_path: Path) -> None:
    analysis = analyse(read_study(write_study(tmp_path, 3)), metrics=["acc", "nll"], margins={"nll": skill})
    assert analysis.comparisons["nll"]["mix_ent"].margin == skill
    assert analysis.comparisons["acc"]["mix_ent"].margin == 0.1
    assert analysis.comparisons["brier"]["mix_ent"].margin is None
