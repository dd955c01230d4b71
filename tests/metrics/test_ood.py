"""OOD scores against scipy, and their metrics against scikit-learn and loops over thresholds."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from entreg.metrics import (
    OOD_SCORES,
    max_logit,
    max_softmax,
    negative_energy,
    negative_entropy,
    ood_metrics,
    overconfident_share,
)
from tests.metrics.inputs import random_logits


def by_scikit_learn(score_in, score_out):
    scores = np.concatenate([score_in.double().numpy(), score_out.double().numpy()])
    inside = np.arange(len(scores)) < len(score_in)
    thresholds = [t for t in np.unique(scores) if (scores[inside] >= t).mean() >= 0.95]
    return {
        "auroc": roc_auc_score(inside, scores),
        "aupr_in": average_precision_score(inside, scores),
        "aupr_out": average_precision_score(~inside, -scores),
        "fpr95": (scores[~inside] >= max(thresholds)).mean(),
    }


def random_scores(n, m, levels=None, seed=0, shift=1.0):
    generator = torch.Generator().manual_seed(seed)
    scores = [torch.randn(k, generator=generator, dtype=torch.float64) for k in (n, m)]
    scores[0] += shift
    return [(score * levels).round() / levels if levels else score for score in scores]


@pytest.mark.parametrize("levels", [None, 0.5, 20])
@pytest.mark.parametrize(("n", "m"), [(1, 1), (20, 3), (100, 400)])
@pytest.mark.parametrize("shift", [0.0, 2.0])
def test_metrics_equal_scikit_learn(n, m, levels, shift):
    scores = random_scores(n, m, levels, seed=n + m, shift=shift)
    assert ood_metrics(*scores) == pytest.approx(by_scikit_learn(*scores), abs=1e-12)


def test_separate_reversed_and_equal_sets():
    low, high = torch.zeros(40), torch.ones(60)
    assert ood_metrics(high, low) == {"auroc": 1, "aupr_in": 1, "aupr_out": 1, "fpr95": 0}
    assert ood_metrics(low, high) == {"auroc": 0, "aupr_in": 0.4, "aupr_out": 0.6, "fpr95": 1}
    assert ood_metrics(low, torch.zeros(60)) == {"auroc": 0.5, "aupr_in": 0.4, "aupr_out": 0.6, "fpr95": 1}


def test_exactly_95_percent_is_enough():
    inside = torch.arange(100)
    assert ood_metrics(inside, torch.tensor([4.5, 5.0]))["fpr95"] == 0.5  # the threshold is 5
    assert ood_metrics(inside, torch.tensor([3.5, 4.5]))["fpr95"] == 0
    tied = torch.cat([torch.full((10,), 3.0), torch.arange(10.0, 100.0)])  # 90 % or all, nothing between
    assert ood_metrics(tied, torch.tensor([2.0, 4.0]))["fpr95"] == 0.5


def test_infinite_scores_have_their_place():
    assert ood_metrics(torch.tensor([torch.inf, 0.0]), torch.tensor([-torch.inf, 0.0]))["auroc"] == 0.875


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 50), st.integers(1, 50), st.sampled_from([None, 1, 3]), st.integers(0, 99))
def test_order_and_monotone_maps_change_nothing_and_sides_mirror(n, m, levels, seed):
    inside, outside = random_scores(n, m, levels, seed)
    value = ood_metrics(inside, outside)
    assert ood_metrics(inside.flip(0).atan(), outside.flip(0).atan()) == value
    assert all(0 <= part <= 1 for part in value.values())
    mirrored = ood_metrics(-outside, -inside)
    assert mirrored["auroc"] == pytest.approx(value["auroc"], abs=1e-12)
    assert (mirrored["aupr_in"], mirrored["aupr_out"]) == pytest.approx((value["aupr_out"], value["aupr_in"]))


@pytest.mark.parametrize(
    ("inside", "outside", "message"),
    [
        (torch.empty(0), torch.ones(2), r"score_in must have shape \(N,\) with N >= 1, got \(0,\)"),
        (torch.ones(2), torch.empty(0), r"score_out must have shape \(N,\) with N >= 1, got \(0,\)"),
        (torch.ones(2, 2), torch.ones(2), r"score_in must have shape .* got \(2, 2\)"),
        (torch.ones(2), torch.tensor([0.0, torch.nan]), "scores must be numbers, got 1 NaN among 4"),
    ],
)
def test_scores_that_can_not_be_ranked_are_refused(inside, outside, message):
    with pytest.raises(ValueError, match=message):
        ood_metrics(inside, outside)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_scores_equal_scipy(dtype):
    logits, _ = random_logits(200, dtype=dtype)
    z = logits.double().numpy()
    p = scipy.special.softmax(z, axis=1)
    for score, expected in {
        max_softmax: scipy.special.logit(p.max(1)),
        max_logit: z.max(1),
        negative_entropy: -scipy.stats.entropy(p, axis=1),
        negative_energy: scipy.special.logsumexp(z, axis=1),
    }.items():
        assert score(logits).dtype == torch.float64
        np.testing.assert_allclose(score(logits), expected, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(negative_energy(logits, 3.0), 3 * scipy.special.logsumexp(z / 3, axis=1), rtol=1e-12)


@pytest.mark.parametrize("name", OOD_SCORES)
def test_saturated_samples_are_ranked(name):
    margins = torch.tensor([10.0, 20.0, 40.0, 80.0, 160.0])
    logits = torch.stack([margins, torch.zeros(5), torch.full((5,), -torch.inf)], 1)
    assert (logits.softmax(1).amax(1) == 1).sum() >= 4
    score = OOD_SCORES[name](logits)
    assert (score.diff() > 0).all()
    assert score.isfinite().all()


@pytest.mark.parametrize("name", ["msp", "entropy"])
def test_scores_of_probabilities_do_not_see_a_shift_of_logits(name):
    logits, _ = random_logits(50)
    torch.testing.assert_close(OOD_SCORES[name](logits + 100), OOD_SCORES[name](logits), rtol=1e-10, atol=1e-12)


def test_uniform_logits_have_the_lowest_scores_of_probabilities():
    uniform = torch.zeros(1, 5)
    assert max_softmax(uniform).item() == pytest.approx(-np.log(4), abs=1e-12)
    assert negative_entropy(uniform).item() == pytest.approx(-np.log(5), abs=1e-12)
    assert max_softmax(torch.zeros(1, 1)).item() == torch.inf


@pytest.mark.parametrize("temperature", [0.0, -1.0, float("nan")])
def test_a_temperature_that_is_not_positive_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature must be > 0"):
        negative_energy(torch.zeros(1, 2), temperature)


def test_overconfident_share_counts_samples_at_or_above_the_threshold():
    p = torch.tensor([0.5, 0.75, 0.98, 0.995, 1.0], dtype=torch.float64)
    logits = torch.stack([p, 1 - p], 1).log()
    assert overconfident_share(logits) == 0.4
    assert overconfident_share(logits, 0.7) == 0.8
    assert overconfident_share(logits, 1.0) == 0.2
    assert overconfident_share(20 * torch.eye(3), 1.0) == 0, "1 in float32 only"
