"""All scores at once against scikit-learn, netcal and the metrics that a callback streams."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from netcal.metrics import ECE, MCE
from sklearn.metrics import accuracy_score, brier_score_loss, log_loss

from entreg import metrics
from entreg.metrics import scores_of
from tests.metrics.inputs import random_logits, state_of

NAMES = [
    "n",
    "acc",
    "errors",
    "nll",
    "brier",
    "entropy",
    "confidence",
    "saturated",
    "ece",
    "ece_l2",
    "mce",
    "ece_debiased_squared",
    "ece_debiased",
    "ece_adaptive",
    "ece_classwise",
    "smece",
    "brier_top",
    "reliability",
    "resolution",
    "uncertainty",
    "within_bin_variance",
    "within_bin_covariance",
    "aurc",
    "coverage_at_1",
]


@pytest.mark.parametrize("scale", [0.1, 3.0, 30.0])
def test_scores_equal_scikit_learn_and_netcal(scale):
    logits, target = random_logits(1500, classes=6, scale=scale)
    scores, p, y = scores_of(logits, target), logits.softmax(1).numpy(), target.numpy()
    top, right = p.max(1), p.argmax(1) == y
    for name, expected in {
        "n": 1500,
        "acc": accuracy_score(y, p.argmax(1)),
        "errors": (~right).sum(),
        "nll": -torch.log_softmax(logits, 1)[range(1500), target].mean().item(),
        "brier": ((p - np.eye(6)[y]) ** 2).sum(1).mean(),
        "confidence": top.mean(),
        "ece": ECE(bins=15).measure(p, y),
        "mce": MCE(bins=15).measure(p, y),
        "brier_top": brier_score_loss(right, top),
    }.items():
        assert scores[name] == pytest.approx(expected, abs=1e-9), name
    if scale < 30:  # what these oracles make of ties or of a probability of 0 is another matter
        assert scores["nll"] == pytest.approx(log_loss(y, p, labels=range(6)), abs=1e-9)
        adaptive = ECE(bins=15, equal_intervals=False).measure(top, right.astype(int))
        assert scores["ece_adaptive"] == pytest.approx(adaptive, abs=1e-9)
        area = np.mean([(~right[np.argsort(-top)])[:k].mean() for k in range(1, 1501)])
        assert scores["aurc"] == pytest.approx(area, abs=1e-9)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_scores_equal_what_the_streaming_metrics_say(dtype):
    logits, target = random_logits(400, dtype=dtype)
    scores = scores_of(logits, target, bins=10)
    for name, metric in {
        "n": metrics.Samples(),
        "errors": metrics.Errors(),
        "nll": metrics.NLL(),
        "brier": metrics.Brier(),
        "entropy": metrics.MeanEntropy(),
        "confidence": metrics.MeanConfidence(),
        "ece": metrics.CalibrationError(10),
        "ece_l2": metrics.CalibrationError(10, "l2"),
        "mce": metrics.CalibrationError(10, "max"),
        "ece_debiased_squared": metrics.DebiasedCalibrationError(10),
        "ece_classwise": metrics.ClasswiseCalibrationError(10, 10),
    }.items():
        streamed = state_of(metric, logits, target, [50, 300]).compute().item()
        assert scores[name] == pytest.approx(streamed, rel=1e-12), name
    parts = state_of(metrics.TopLabelBrier(10), logits, target).compute()
    assert scores["brier_top"] == parts.pop("score").item()
    assert {name: scores[name] for name in parts} == {name: part.item() for name, part in parts.items()}


def test_scores_are_flat_floats_in_a_fixed_order_and_take_arrays():
    logits, target = random_logits(30, dtype=torch.float32)
    scores = scores_of(logits, target)
    assert list(scores) == NAMES
    assert all(type(value) is float for value in scores.values())
    assert scores_of(logits.numpy(), target.numpy()) == scores


def test_saturated_counts_what_is_one_in_float32_whatever_the_dtype():
    logits = torch.tensor([[5.0, 0.0], [20.0, 0.0], [200.0, 0.0]])
    for dtype in (torch.float64, torch.float32, torch.bfloat16):
        assert scores_of(logits.to(dtype), torch.tensor([0, 0, 0]))["saturated"] == pytest.approx(2 / 3)


def test_saturated_samples_are_ranked_in_the_area():
    logits = torch.tensor([[30.0, 0.0], [60.0, 0.0], [90.0, 0.0], [120.0, 0.0]])
    assert scores_of(logits, torch.tensor([1, 0, 0, 0]))["aurc"] == pytest.approx(1 / 16)
    assert scores_of(logits, torch.tensor([0, 0, 0, 1]))["aurc"] == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e4])
@pytest.mark.parametrize("n", [1, 5])
def test_degenerate_predictions_have_finite_scores(n, scale):
    logits, target = random_logits(n, classes=3, scale=scale, dtype=torch.float32)
    logits = torch.cat([logits, torch.full((n, 1), -torch.inf)], 1)
    assert all(np.isfinite(value) for value in scores_of(logits, target).values())


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.sampled_from([0.1, 3.0, 100.0]), st.integers(0, 99))
def test_order_and_names_of_classes_change_no_score(n, scale, seed):
    logits, target = random_logits(n, scale=scale, seed=seed, dtype=torch.float32)
    generator = torch.Generator().manual_seed(seed)
    order, names = torch.randperm(n, generator=generator), torch.randperm(10, generator=generator)
    other = scores_of(logits[order][:, names], names.argsort()[target[order]])
    found = scores_of(logits, target)
    for name in ("n", "acc", "errors", "nll", "brier", "entropy", "confidence"):  # the rest jumps at an edge
        assert other[name] == pytest.approx(found[name], rel=1e-5, abs=1e-6)
    exact = scores_of(logits[order], target[order])
    assert exact == pytest.approx(found, rel=1e-12, abs=1e-13)


def test_coverage_at_1_is_the_share_answered_with_1_percent_errors():
    logits = torch.stack([torch.arange(1.0, 201.0), torch.zeros(200)], 1)
    target = (torch.arange(200) < 3).long()  # the three least certain are wrong: 1 of 198 may be answered, 2 of 199 not
    assert scores_of(logits, target)["coverage_at_1"] == pytest.approx(198 / 200)


def test_bins_below_one_are_refused():
    with pytest.raises(ValueError, match="bins must be >= 1, got 0"):
        scores_of(*random_logits(5), bins=0)
