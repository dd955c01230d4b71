"""The comparison of a study: paired by seed, with the baseline that is meant."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from entreg.compare import Analysis, analyse, measures_of, read_study
from entreg.compare.report import arms_sheet, verdict_sentences, verdicts_sheet, write_report
from entreg.compare.report.plots import forest
from entreg.compare.stats import hierarchical_estimate, unpaired_estimate
from entreg.compare.stats.bounded import within_bounds
from entreg.errors import ConfigError
from entreg.runs import Run, write_predictions
from tests.compare.run_folders import CLASSES, without_predictions, write_run, write_study


def test_a_clear_difference_is_seen_and_none_is_not(analysis: Analysis) -> None:
    assert analysis.baseline == "cross_entropy"
    assert analysis.others == ["min_ent", "mix_ent"]
    found = analysis.comparisons["acc"]
    assert found["mix_ent"].outcome == "worse"
    assert found["min_ent"].outcome == "undecided"
    assert found["mix_ent"].n == 4


def test_numbers_are_those_of_scipy(analysis: Analysis) -> None:
    ours, theirs = (np.array(analysis.values["acc"][label]) for label in ("mix_ent", "cross_entropy"))
    comparison = analysis.comparisons["acc"]["mix_ent"]
    assert comparison.difference == pytest.approx((ours - theirs).mean())
    assert comparison.paired.p == pytest.approx(stats.ttest_rel(ours, theirs).pvalue, rel=1e-9)
    images = [measures_of(run)["acc"].images for run in analysis.study.arms["mix_ent"]]
    expected = hierarchical_estimate(ours, np.zeros(4), images)
    assert analysis.estimates["acc"]["mix_ent"].interval == pytest.approx(within_bounds(expected, 400, 100.0).interval)


def test_seeds_that_one_arm_lacks_count_unpaired(folders: list[Path]) -> None:
    kept = [folder for folder in folders if folder.name not in ("mix_ent-0", "cross_entropy-3")]
    analysis = analyse(read_study(kept))
    comparison = analysis.comparisons["acc"]["mix_ent"]
    assert (comparison.unpaired, comparison.shared, comparison.n) == ((3, 3), 2, 3)
    ours, theirs = analysis.study.arms["mix_ent"], analysis.study.arms["cross_entropy"]  # seeds 1 2 3, 0 1 2
    first, second = [[measures_of(run)["acc"] for run in arm] for arm in (ours, [*theirs[1:], theirs[0]])]
    values = ([run.value for run in first], [run.value for run in second])
    images = ([run.images for run in first], [run.images for run in second])
    expected = unpaired_estimate(*values, *map(np.array, images), level=1 - 0.05 / 2, shared=2)
    assert comparison.hierarchical.interval == pytest.approx(expected.interval)
    assert comparison.difference == pytest.approx(expected.mean)
    assert analysis.comparisons["acc"]["min_ent"].unpaired == (4, 3)
    assert verdicts_sheet(analysis).rows[1][2] == "3 and 3 (2 in common)"
    assert "2 seeds in common: " in verdict_sentences(analysis)[2]


def test_all_pairs_are_compared_and_corrected_together(analysis: Analysis) -> None:
    found = analyse(analysis.study, metrics=["acc", "nll"], all_pairs=True)
    contrast = ("mix_ent", "min_ent")
    assert list(found.contrasts("acc")) == [("min_ent", "cross_entropy"), ("mix_ent", "cross_entropy"), contrast]
    assert {comparison.family for comparison in found.contrasts("nll").values()} == {2 * 3}
    ours, theirs = (np.array(analysis.values["acc"][label]) for label in contrast)
    assert found.between["acc"][contrast].paired.p == pytest.approx(stats.ttest_rel(ours, theirs).pvalue)
    assert found.between["acc"][contrast].outcome == "worse"
    assert any(said.startswith("mix_ent is worse than min_ent: accuracy") for said in verdict_sentences(found))
    assert verdicts_sheet(found).title.startswith("Against cross_entropy, and the others with each other; 95 %")
    assert [row[0] for row in verdicts_sheet(found).rows][2] == "mix_ent against min_ent"
    labels = [label.get_text() for label in forest(found, ["acc"]).axes[0].get_yticklabels()]
    assert labels == ["cross_entropy", "min_ent", "mix_ent", "mix_ent − min_ent"]


def test_one_seed_leaves_a_test_of_two_checkpoints(tmp_path: Path) -> None:
    comparison = analyse(read_study(write_study(tmp_path, 1))).comparisons["acc"]["mix_ent"]
    assert comparison.outcome == "untestable"
    assert comparison.checkpoints is not None
    assert comparison.checkpoints.only_b > comparison.checkpoints.only_a
    said = comparison.checkpoints.describe("mix_ent", "cross_entropy")
    assert said.startswith(f"the checkpoint of mix_ent alone is right on {comparison.checkpoints.only_a} samples")
    assert "about these two checkpoints, not about their losses" in said


def test_the_margin_makes_equivalence_testable(analysis: Analysis) -> None:
    assert analyse(analysis.study, margins={"acc": 30.0}).comparisons["acc"]["min_ent"].outcome == "equivalent"


def test_the_level_is_that_of_intervals_and_verdicts(analysis: Analysis) -> None:
    strict = analyse(analysis.study, alpha=0.001)
    ours, theirs = (np.array(analysis.values["acc"][label]) for label in ("mix_ent", "cross_entropy"))
    comparison = strict.comparisons["acc"]["mix_ent"]
    assert comparison.alpha == 0.001
    assert comparison.paired.interval == pytest.approx(stats.ttest_rel(ours, theirs).confidence_interval(0.9995))


def test_primary_measures_are_corrected_together_and_so_are_the_others(analysis: Analysis) -> None:
    found = analyse(analysis.study, metrics=["acc", "nll"])
    families = {key: {comparison.family for comparison in of_key.values()} for key, of_key in found.comparisons.items()}
    assert families["acc"] == families["nll"] == {2 * 2}
    assert families["brier"] == {(len(found.measures) - 2) * 2}


def test_one_arm_has_no_baseline(tmp_path: Path) -> None:
    analysis = analyse(read_study(write_study(tmp_path, 2, mix_ent=1.0)))
    assert analysis.baseline is None
    assert analysis.comparisons["acc"] == {}
    assert analysis.estimates["acc"]["mix_ent"].n == 2


def test_only_what_every_run_has_is_compared(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, "cross_entropy", 0).path, write_run(tmp_path, "mix_ent", 0, ood=False).path]
    assert "auroc:noise" not in analyse(read_study(folders)).measures


def test_an_unknown_metric_is_a_config_error(analysis: Analysis) -> None:
    with pytest.raises(ConfigError, match="metric f1: expected one that every run has: acc, nll"):
        analyse(analysis.study, metrics=["f1"])


def test_a_margin_is_for_the_metric_it_names(analysis: Analysis) -> None:
    analysis = analyse(analysis.study, metrics=["acc", "nll"], margins={"nll": 2.0})
    assert analysis.primary == ("acc", "nll")
    assert analysis.comparisons["nll"]["mix_ent"].margin == 2.0
    assert analysis.comparisons["acc"]["mix_ent"].margin == 0.1
    assert analysis.comparisons["brier"]["mix_ent"].margin is None


def test_of_two_arms_of_cross_entropy_the_baseline_is_asked_for(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, "cross_entropy", seed, loss_lr=rate).path for seed in (0, 1) for rate in (0.1, 0.2)]
    folders += [write_run(tmp_path, "mix_ent", seed, loss_lr=0.1).path for seed in (0, 1)]
    study = read_study(folders)
    assert analyse(study).baseline is None
    assert analyse(study).comparisons["acc"] == {}
    assert len(analyse(study, all_pairs=True).contrasts("acc")) == 3
    (said,) = verdict_sentences(analyse(study))
    assert said.startswith(
        "2 arms are of cross_entropy: say which is the baseline, such as --baseline 'cross_entropy ("
    )
    assert len(analyse(study, baseline=said.rpartition("--baseline ")[2].strip("'")).comparisons["acc"]) == 2


def test_arms_without_common_seeds_are_compared_unpaired(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, "cross_entropy", seed).path for seed in (0, 1, 2)]
    folders += [write_run(tmp_path, "mix_ent", seed, skill=1.2).path for seed in (2, 5, 6, 7)]
    analysis = analyse(read_study(folders))
    comparison, values = analysis.comparisons["acc"]["mix_ent"], analysis.values["acc"]
    assert comparison.unpaired == (4, 3)
    assert comparison.family == 1
    alone = unpaired_estimate(values["mix_ent"], values["cross_entropy"])
    assert comparison.paired.p == pytest.approx(alone.p)
    assert comparison.hierarchical.image_variance > 0
    assert ", 1 seed in common: " in verdict_sentences(analysis)[1]


def test_without_predictions_the_summary_is_believed_about_seeds_alone(tmp_path: Path) -> None:
    folders = write_study(tmp_path, 3)
    known = analyse(read_study(folders))
    for folder in folders:
        without_predictions(Run(folder))
    told = analyse(read_study(folders))
    assert told.measures.keys() == known.measures.keys()
    for key, by_arm in told.comparisons.items():
        for label, comparison in by_arm.items():
            assert comparison.difference == pytest.approx(known.comparisons[key][label].difference, abs=1e-4)
            assert comparison.interval == pytest.approx(known.comparisons[key][label].paired.interval, abs=1e-3)
            assert comparison.hierarchical is None
    assert "9 of 9 runs hold no predictions" in told.study.notes[0]
    assert "seeds on these samples" in arms_sheet(told).title
    write_report(tmp_path / "report", told, {})
    assert not (tmp_path / "report" / "figures" / "reliability.svg").exists()
    assert (tmp_path / "report" / "figures" / "forest-all.svg").exists()


def test_the_interval_of_a_perfect_accuracy_knows_how_many_shifted_samples_there_were(tmp_path: Path) -> None:
    folders = []
    for seed in range(3):
        run = write_run(tmp_path, seed=seed)
        targets = torch.arange(401) % 4
        logits = 20.0 * torch.nn.functional.one_hot(targets, len(CLASSES))
        write_predictions(run.predictions("shift-alike"), logits, targets, torch.arange(401))  # one more than on test
        folders.append(run.path)
    (estimate,) = analyse(read_study(folders)).estimates["acc:alike"].values()
    assert estimate.mean == 100
    assert 99 < estimate.interval.low < estimate.interval.high == 100
