"""What reliability diagrams show."""

import pytest
import scipy.stats
import torch
from matplotlib.figure import Figure

from entreg.metrics import calibration_error, plot_reliability, reliability_diagram, wilson_interval
from tests.metrics.test_calibration import TABLE


def test_reliability_diagram_shows_accuracy_share_and_number_of_each_bin():
    figure = reliability_diagram(TABLE, title="by hand")
    assert isinstance(figure, Figure)
    accuracy, share = figure.axes
    assert [bar.get_x() for bar in accuracy.patches] == pytest.approx([0.4, 0.6, 0.8])
    assert [bar.get_height() for bar in accuracy.patches] == pytest.approx([1 / 2, 2 / 3, 1 / 2])
    assert [bar.get_height() for bar in share.patches] == pytest.approx([0, 0, 2 / 7, 3 / 7, 2 / 7])
    assert all(bar.get_width() == pytest.approx(0.2) for bar in [*accuracy.patches, *share.patches])
    assert [text.get_text() for text in share.texts] == ["", "", "2", "3", "2"]
    assert "by hand" in accuracy.get_title()
    assert "ECE 15.43%" in accuracy.get_title()
    assert calibration_error(TABLE).item() == pytest.approx(1.08 / 7)


def test_intervals_stand_at_the_mean_confidence_of_each_bin():
    (accuracy, *_) = reliability_diagram(TABLE, level=0.9).axes
    (lines,) = accuracy.collections
    low, high = wilson_interval(torch.tensor([1, 2, 1]), torch.tensor([2, 3, 2]), 0.9)
    x = [1.13 / 2, 2.10 / 3, 1.85 / 2]
    for segment, *expected in zip(lines.get_segments(), x, low.tolist(), high.tolist(), strict=True):
        assert segment.ravel().tolist() == pytest.approx([expected[0], expected[1], expected[0], expected[2]])


def test_two_states_stand_side_by_side_on_one_scale(tmp_path):
    other = TABLE.clone()
    other[1] = other[2]  # calibrated
    figure = reliability_diagram({"before": TABLE, "after": other}, title="letters")
    before, after, share_before, share_after = figure.axes
    assert figure.get_suptitle() == "letters"
    assert before.get_title() == "before  ECE 15.43%"
    assert after.get_title() == "after  ECE 0.00%"
    assert share_before.get_ylim() == share_after.get_ylim()
    assert before.get_position().x0 < after.get_position().x0
    figure.savefig(tmp_path / "two.png")
    assert (tmp_path / "two.png").stat().st_size > 5000


def test_a_diagram_is_drawn_on_the_axes_given_or_on_its_own():
    ax = Figure().subplots()
    assert plot_reliability(TABLE, ax) is ax
    assert len(ax.patches) == 3
    alone = plot_reliability(TABLE)
    assert isinstance(alone.figure, Figure)
    assert len(alone.patches) == 3


def test_an_empty_state_is_drawn_as_one(tmp_path):
    figure = reliability_diagram(torch.zeros(3, 5, dtype=torch.float64))
    assert not figure.axes[0].patches
    figure.savefig(tmp_path / "empty.png")


@pytest.mark.parametrize(("correct", "count"), [(0, 1), (1, 1), (3, 7), (999, 1000), (0, 50)])
@pytest.mark.parametrize("level", [0.5, 0.95])
def test_interval_equals_scipy(correct, count, level):
    low, high = wilson_interval(torch.tensor(correct), torch.tensor(count), level)
    expected = scipy.stats.binomtest(correct, count).proportion_ci(level, method="wilson")
    assert (low.item(), high.item()) == pytest.approx(tuple(expected), abs=1e-12)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_a_level_that_is_no_probability_is_refused(level):
    with pytest.raises(ValueError, match="level must lie between 0 and 1"):
        wilson_interval(torch.tensor(1), torch.tensor(2), level)
