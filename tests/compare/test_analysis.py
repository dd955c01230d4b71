"""The comparison of a study: paired by seed, with the baseline that is meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from entreg.compare.analysis import analyse
from entreg.compare.study import read_study
from entreg.errors import ConfigError
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
    assert "checkpoints, not about their losses" in str(comparison.checkpoints)


def test_the_margin_makes_equivalence_testable(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 5, cross_entropy=2.0, min_ent=2.0)
    assert analyse(read_study(folders), margin=30.0).comparisons["acc"]["min_ent"].verdict == "equivalent within 30"


def test_one_arm_has_no_baseline(tmp_path: Path) -> None:
    analysis = analyse(read_study(write_study(tmp_path, 2, mix_ent=1.0)))
    assert analysis.baseline is None
    assert analysis.comparisons["acc"] == {}
    assert analysis.estimates["acc"]["mix_ent"].n == 2


def test_only_what_every_run_has_is_compared(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, "cross_entropy", 0).path, write_run(tmp_path, "mix_ent", 0, ood=False).path]
    assert "auroc:noise" not in analyse(read_study(folders)).measures


@pytest.mark.parametrize(
    ("options", "message"),
    [({"metrics": ["f1"]}, "--metric f1: expected one that every run has: acc, nll"), ({"margin": 0.0}, "--margin")],
)
def test_wrong_options_are_config_errors(options, message: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=message):
        analyse(read_study(write_study(tmp_path, 1)), **options)
