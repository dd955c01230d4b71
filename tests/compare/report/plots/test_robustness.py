"""Pictures of corruptions, label noise and other sets show the numbers of the study."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml
from scipy.integrate import trapezoid

from entreg.compare import Analysis, analyse, read_study
from entreg.compare.report import plots
from tests.compare.run_folders import write_run


def test_curves_against_other_sets_go_from_nothing_to_everything(analysis: Analysis) -> None:
    (ax,) = plots.ood_curves(analysis).axes
    taken, kept = ax.lines[0].get_data()
    assert (taken[0], kept[0]) == (1.0, 1.0)
    area = -trapezoid(kept, taken)
    auroc = analysis.study.arms["cross_entropy"][0].scores["ood"]["noise"]["msp"]["auroc"]
    assert area == pytest.approx(auroc, abs=0.01)


def test_scores_are_followed_along_severities(tmp_path: Path) -> None:
    folders = [write_run(tmp_path, loss, s, corrupt=True).path for loss in ("cross_entropy", "mix_ent") for s in (0, 1)]
    study = analyse(read_study(folders))
    accuracy, _, error = plots.robustness(study).axes
    steps, values = accuracy.lines[0].get_data()
    runs = study.study.arms["cross_entropy"]
    assert steps.tolist() == [0, 1, 2, 3, 4, 5]
    assert values[0] == pytest.approx(np.mean([run.scores["test"]["acc"] for run in runs]))
    worst = [run.scores["corrupt"][name]["5"]["acc"] for run in runs for name in ("blur", "noise")]
    assert values[5] == pytest.approx(np.mean(worst))
    assert (np.diff(values) < 0).all()
    assert error.get_title() == "expected calibration error"


def test_scores_are_followed_along_label_noise(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path, loss, 0, label_noise=rate, skill=2 - 2 * rate).path
        for loss in ("cross_entropy", "mix_ent")
        for rate in (0.0, 0.2, 0.4)
    ]
    accuracy = plots.label_noise(analyse(read_study(folders), "cross_entropy (label_noise=0)")).axes[0]
    assert [line.get_label() for line in accuracy.lines] == ["cross_entropy", "mix_ent"]
    assert accuracy.lines[0].get_xdata().tolist() == [0.0, 0.2, 0.4]
    assert (np.diff(accuracy.lines[0].get_ydata()) < 0).all()


def test_arms_of_one_loss_and_rate_are_not_averaged(tmp_path: Path) -> None:
    folders = [
        write_run(tmp_path / str(weight), "mix_ent", 0, label_noise=rate, loss_weight=weight).path
        for weight in (0.1, 0.9)
        for rate in (0.0, 0.2)
    ]
    for folder in folders:
        config = yaml.safe_load((folder / "config.yaml").read_text())
        config["model"]["loss"]["init_args"] = {"ce_weight": config["model"].pop("loss_weight")}
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
    analysis = analyse(read_study(folders))
    assert len(analysis.study.arms) == 4
    assert plots.label_noise(analysis) is None


def test_what_is_not_there_is_not_drawn(analysis: Analysis) -> None:
    assert plots.robustness(analysis) is None
    assert plots.label_noise(analysis) is None
