"""The pictures show the numbers of the study."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch
from scipy.integrate import trapezoid
from scipy.special import softmax

from entreg.compare.analysis import Analysis, analyse
from entreg.compare.convergence import convergence_of
from entreg.compare.report import plots
from entreg.compare.result import read_logits
from entreg.compare.study import read_study
from tests.compare.run_folders import CLASSES, write_run, write_study


@pytest.fixture(scope="module")
def analysis(tmp_path_factory: pytest.TempPathFactory) -> Analysis:
    return analyse(read_study(write_study(tmp_path_factory.mktemp("study"), 2)))


def test_learning_curves_are_means_with_the_range_of_the_seeds(analysis: Analysis) -> None:
    figure = plots.learning_curves(convergence_of(analysis.study))
    lines = figure.axes[0].lines
    assert [line.get_label() for line in lines] == list(analysis.study.arms)
    assert lines[0].get_xdata().tolist() == [9, 19, 29]
    assert np.allclose(lines[0].get_ydata(), [0.505, 0.605, 0.705])
    assert len(figure.axes[0].collections) == 3


def test_coefficients_have_a_panel_each(analysis: Analysis) -> None:
    figure = plots.coefficients(convergence_of(analysis.study))
    assert [ax.get_title() for ax in figure.axes] == ["coefficient of CE"]
    assert plots.coefficients({}) is None


def test_reliability_is_before_and_after_side_by_side(analysis: Analysis) -> None:
    result = analysis.study.arms["cross_entropy"][0]
    titles = [ax.get_title() for ax in plots.reliability("cross_entropy", result).axes if ax.get_title()]
    assert len(titles) == 2
    assert titles[0].startswith(f"cross_entropy  ECE {result.scores['test']['ece']:.2%}")
    scaled = result.scores["test"]["scaled"]["ece"]
    assert titles[1].startswith(f"T = {result.scores['temperature']:.2f}  ECE {scaled:.2%}")


def test_histograms_count_every_image(analysis: Analysis) -> None:
    left, right = plots.histograms(analysis).axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == list(analysis.study.arms)
    for patch in (*left.patches, *right.patches):
        corners = patch.get_xy()
        heights = dict.fromkeys(map(tuple, corners))
        steps = sorted({x for x, _ in heights})
        width = steps[1] - steps[0]
        area = sum((b[0] - a[0]) * a[1] for a, b in pairwise(corners) if b[0] > a[0] and a[1] == b[1])
        assert round(area / width) == 400


def test_accuracy_against_calibration_has_a_point_for_each_run(analysis: Analysis) -> None:
    lines = plots.accuracy_against_calibration(analysis).axes[0].lines
    assert sum(len(line.get_xdata()) for line in lines) == 2 * 6
    expected = [100 * result.scores["test"]["ece"] for result in analysis.study.arms["cross_entropy"]]
    assert lines[0].get_xdata().tolist() == expected


def test_curves_against_other_sets_go_from_nothing_to_everything(analysis: Analysis) -> None:
    (ax,) = plots.ood_curves(analysis).axes
    taken, kept = ax.lines[0].get_data()
    assert (taken[0], kept[0]) == (1.0, 1.0)
    area = -trapezoid(kept, taken)
    auroc = analysis.study.arms["cross_entropy"][0].scores["ood"]["noise"]["msp"]["auroc"]
    assert area == pytest.approx(auroc, abs=0.01)


def test_the_images_that_are_disagreed_on_most_come_first_with_their_labels(analysis: Analysis) -> None:
    images = (torch.arange(400) % 256).to(torch.uint8).view(400, 1, 1, 1).expand(400, 1, 8, 8)
    figure = plots.disagreements(analysis, images, CLASSES, count=7)
    shown = [ax for ax in figure.axes if ax.images]
    assert len(shown) == 7
    arms = [
        np.mean([softmax(read_logits(run, "test")[0].numpy(), 1) for run in arm], 0)
        for arm in analysis.study.arms.values()
    ]
    _, targets = read_logits(analysis.study.results[0], "test")
    true = np.array([p[np.arange(400), targets.numpy()] for p in arms])
    worst = int((true.max(0) - true.min(0)).argmax())
    assert (shown[0].images[0].get_array() == worst % 256).all()
    title = shown[0].get_title().splitlines()
    assert title[0] == f"true: {CLASSES[targets[worst]]}"
    said = {
        f"{label}: {CLASSES[p[worst].argmax()]} {p[worst].max():.0%}"
        for label, p in zip(analysis.study.arms, arms, strict=True)
    }
    assert set(title[1:]) == said


def test_scores_are_followed_along_severities(tmp_path) -> None:
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


def test_scores_are_followed_along_label_noise(tmp_path) -> None:
    folders = [
        write_run(tmp_path, loss, 0, label_noise=rate, skill=2 - 2 * rate).path
        for loss in ("cross_entropy", "mix_ent")
        for rate in (0.0, 0.2, 0.4)
    ]
    accuracy = plots.label_noise(analyse(read_study(folders), "cross_entropy label_noise=0.0")).axes[0]
    assert [line.get_label() for line in accuracy.lines] == ["cross_entropy", "mix_ent"]
    assert accuracy.lines[0].get_xdata().tolist() == [0.0, 0.2, 0.4]
    assert (np.diff(accuracy.lines[0].get_ydata()) < 0).all()


def test_what_is_not_there_is_not_drawn(analysis: Analysis, tmp_path) -> None:
    alone = analyse(read_study(write_study(tmp_path, 1, mix_ent=1.0)))
    assert plots.disagreements(alone, torch.zeros(400, 1, 8, 8, dtype=torch.uint8), CLASSES) is None
    assert plots.learning_curves({"mix_ent": []}) is None
    assert plots.robustness(analysis) is None
    assert plots.label_noise(analysis) is None
