"""Pictures of calibration show the numbers of the study."""

from __future__ import annotations

from itertools import pairwise

from entreg.compare import Analysis
from entreg.compare.report import plots


def test_reliability_is_before_and_after_side_by_side(analysis: Analysis) -> None:
    result = analysis.study.arms["cross_entropy"][0]
    titles = [ax.get_title() for ax in plots.reliability("cross_entropy", result).axes if ax.get_title()]
    assert len(titles) == 2
    assert titles[0].startswith(f"cross_entropy  ECE {result.scores['test']['ece']:.2%}")
    scaled = result.scores["test"]["scaled"]["ece"]
    assert titles[1].startswith(f"T = {result.scores['temperature']:.2f}  ECE {scaled:.2%}")


def test_histograms_count_every_sample(analysis: Analysis) -> None:
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
    assert sum(len(line.get_xdata()) for line in lines) == 2 * 12
    expected = [100 * result.scores["test"]["ece"] for result in analysis.study.arms["cross_entropy"]]
    assert lines[0].get_xdata().tolist() == expected
