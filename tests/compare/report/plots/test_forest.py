"""The forest plot shows the numbers that decide."""

from __future__ import annotations

import pytest

from entreg.compare import Analysis
from entreg.compare.report import plots


def test_every_arm_has_its_difference_its_interval_and_a_sentence(analysis: Analysis) -> None:
    accuracy, loss = plots.forest(analysis, ["acc", "nll"]).axes
    assert [label.get_text() for label in accuracy.get_yticklabels()] == list(analysis.study.arms)
    comparison = analysis.comparisons["acc"]["mix_ent"]
    interval, point = (line for line in accuracy.lines if str(line.get_gid()).startswith("arm:2:mix_ent, accuracy: "))
    assert interval.get_xdata() == pytest.approx(comparison.interval)
    assert point.get_xdata()[0] == comparison.difference
    assert f"{comparison.difference:+.2f} ({comparison.interval.low:+.2f} to " in point.get_gid()
    assert accuracy.get_ylim()[0] > accuracy.get_ylim()[1]  # the baseline, which is first, is above
    assert [line.get_xdata()[0] for line in accuracy.lines if line.get_linestyle() == ":"] == [-0.1, 0.1]
    assert not [line for line in loss.lines if line.get_linestyle() == ":"]
