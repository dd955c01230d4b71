"""Pictures of calibration show the numbers of the study."""

from __future__ import annotations

from itertools import pairwise

from entreg.compare import Analysis
from entreg.compare.report import plots


def test_reliability_is_before_and_at_t_with_a_mark_for_each_bin(analysis: Analysis) -> None:
    result = analysis.study.arms["cross_entropy"][0]
    panel = plots.reliability(analysis).axes[0]
    before, scaled = result.scores["test"]["ece"], result.scores["test"]["scaled"]["ece"]
    assert panel.get_title().splitlines() == [
        "cross_entropy",
        f"ECE {before:.2%} before T",
        f"ECE {scaled:.2%} at T = {result.scores['temperature']:.2f}",
    ]
    marks = [line for line in panel.lines if line.get_marker() == "o"]
    counts = [int(mark.get_gid().rsplit(" of ")[1].split()[0]) for mark in marks]
    assert sum(counts) == 2 * 400
    assert sum(mark.get_markerfacecolor() == "none" for mark in marks) in range(1, len(marks))


def test_histograms_count_every_sample(analysis: Analysis) -> None:
    left, right = plots.histograms(analysis).axes
    assert [text.get_text() for text in left.figure.legends[0].get_texts()] == list(analysis.study.arms)
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
    assert [line.get_xdata()[0] for line in lines[:8:2]] == expected
    assert lines[0].get_gid().startswith("arm:0:cross_entropy, seed 0, before T: accuracy ")
