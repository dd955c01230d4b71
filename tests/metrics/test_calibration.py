"""Calibration error against netcal, by hand, and on the inputs that break binning."""

from fractions import Fraction

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.figure import Figure
from netcal.metrics import ECE

from entreg.metrics import CalibrationError, bin_confidences, calibration_error, reliability_diagram

# bin        confidence  correct    sum of confidences  number correct  |difference|
# [.2, .4)   -                      0                   0               0
# [.4, .6)   .55         yes
#            .58         no         1.13                1               .13
# [.6, .8)   .65         yes
#            .75         yes
#            .70         no         2.10                2               .10
# [.8, 1]    .90         yes
#            .95         no         1.85                1               .85
# ECE = (.13 + .10 + .85) / 7
CONFIDENCE = torch.tensor([0.55, 0.58, 0.65, 0.75, 0.70, 0.90, 0.95], dtype=torch.float64)
CORRECT = torch.tensor([True, False, True, True, False, True, False])
TABLE = torch.tensor([[0, 0, 2, 3, 2], [0, 0, 1.13, 2.10, 1.85], [0, 0, 1, 2, 1]], dtype=torch.float64)


def random_logits(n, classes=10, scale=3.0, seed=0, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    logits = scale * torch.randn(n, classes, generator=generator, dtype=torch.float64)
    target = torch.where(
        torch.rand(n, generator=generator) < 0.6,
        logits.argmax(1),
        torch.randint(classes, (n,), generator=generator),
    )
    return logits.to(dtype), target


def error(logits, target, bins=15):
    metric = CalibrationError(bins=bins)
    metric.update(logits, target)
    return metric.compute()


def netcal_error(logits, target, bins=15):
    return ECE(bins=bins).measure(logits.softmax(1).numpy(), target.numpy())


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("bins", [1, 10, 15])
@pytest.mark.parametrize("scale", [0.1, 3.0, 10.0])
def test_error_equals_netcal(seed, bins, scale):
    logits, target = random_logits(2000, scale=scale, seed=seed)
    assert error(logits, target, bins).item() == pytest.approx(netcal_error(logits, target, bins), abs=1e-12)


def test_error_equals_netcal_with_empty_bins():
    logits, target = random_logits(40, scale=20.0)
    assert (bin_confidences(logits.softmax(1).amax(1), target == 0, 15)[0] == 0).any()
    assert error(logits, target).item() == pytest.approx(netcal_error(logits, target), abs=1e-12)


def test_error_equals_a_table_computed_by_hand():
    logits = torch.stack([CONFIDENCE, 1 - CONFIDENCE], dim=1).log()
    torch.testing.assert_close(bin_confidences(CONFIDENCE, CORRECT, 5), TABLE)
    assert error(logits, (~CORRECT).long(), bins=5).item() == pytest.approx(1.08 / 7, abs=1e-12)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_a_confidence_of_exactly_one_is_in_the_last_bin(dtype):
    logits = torch.eye(4, dtype=dtype) * 1e4
    metric = CalibrationError()
    metric.update(logits, torch.tensor([0, 1, 2, 0]))
    assert metric.state[:, -1].tolist() == [4, 4, 3]
    assert not metric.state[:, :-1].any()
    assert metric.compute() == 0.25


@pytest.mark.parametrize(("target", "expected"), [(0, 0.25), (1, 0.75)])
def test_one_sample(target, expected):
    logits = torch.tensor([[0.75, 0.25]], dtype=torch.float64).log()
    assert error(logits, torch.tensor([target])).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("bins", [2, 4, 8, 16])
def test_bins_are_closed_on_the_left_and_the_last_on_both_sides(bins):
    edges = torch.arange(bins + 1) / bins  # exact in binary
    count, *_ = bin_confidences(edges, torch.ones(bins + 1, dtype=torch.bool), bins)
    assert count.tolist() == [1] * (bins - 1) + [2]


@pytest.mark.parametrize("bins", [3, 10, 15, 20, 100])
def test_float32_confidences_beside_an_edge_are_binned_exactly(bins):
    edges = (torch.arange(bins + 1, dtype=torch.float64) / bins).float()
    one, zero = torch.ones(bins + 1), torch.zeros(bins + 1)
    for confidence in (edges, edges.nextafter(one), edges.nextafter(zero)):
        expected = torch.zeros(bins)
        for value in confidence.tolist():
            expected[min(int(Fraction(value) * bins), bins - 1)] += 1
        count, *_ = bin_confidences(confidence, zero.bool(), bins)
        assert count.tolist() == expected.tolist()


@pytest.mark.filterwarnings("ignore:The ``compute`` method")  # torchmetrics does not count merging
@settings(max_examples=30, deadline=None)
@given(st.lists(st.integers(1, 499), max_size=8, unique=True), st.sampled_from([torch.float32, torch.bfloat16]))
def test_batching_and_merging_change_no_bit(cuts, dtype):
    logits, target = random_logits(500, classes=26, dtype=dtype)
    whole = error(logits, target)
    batched, merged = CalibrationError(), CalibrationError()
    for part in torch.tensor_split(torch.arange(500), sorted(cuts)):
        batched.update(logits[part], target[part])
        shard = CalibrationError()
        shard.update(logits[part], target[part])
        merged.merge_state(shard)
    assert torch.equal(batched.compute(), whole)
    assert torch.equal(merged.compute(), whole)


def test_one_bin_is_the_difference_of_mean_confidence_and_accuracy():
    logits, target = random_logits(100)
    confidence, predicted = logits.softmax(1).max(1)
    expected = abs(confidence.mean() - (predicted == target).double().mean()).item()
    assert error(logits, target, bins=1).item() == pytest.approx(expected, abs=1e-12)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
def test_no_sample_gives_nan():
    assert CalibrationError().compute().isnan()
    assert error(torch.empty(0, 5), torch.empty(0, dtype=torch.int64)).isnan()


def test_reset_forgets_everything():
    metric = CalibrationError()
    metric.update(*random_logits(50))
    metric.reset()
    metric.update(*random_logits(70, seed=1))
    assert torch.equal(metric.compute(), error(*random_logits(70, seed=1)))


@pytest.mark.parametrize("bins", [0, -1])
def test_bins_below_one_are_refused(bins):
    with pytest.raises(ValueError, match=f"bins must be >= 1, got {bins}"):
        CalibrationError(bins=bins)


def test_reliability_diagram_shows_accuracy_and_share_of_each_bin():
    figure = reliability_diagram(TABLE, title="by hand")
    assert isinstance(figure, Figure)
    accuracy, share = figure.axes
    assert [bar.get_x() for bar in accuracy.patches] == pytest.approx([0.4, 0.6, 0.8])
    assert [bar.get_height() for bar in accuracy.patches] == pytest.approx([1 / 2, 2 / 3, 1 / 2])
    assert [bar.get_height() for bar in share.patches] == pytest.approx([0, 0, 2 / 7, 3 / 7, 2 / 7])
    assert all(bar.get_width() == pytest.approx(0.2) for bar in [*accuracy.patches, *share.patches])
    assert "by hand" in accuracy.get_title()
    assert "ECE 15.43%" in accuracy.get_title()
    assert calibration_error(TABLE).item() == pytest.approx(1.08 / 7)
