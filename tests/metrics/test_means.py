"""Mean scores against independent statements of their definitions, and what a mean of sums and counts is."""

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from entreg.metrics import NLL, Brier, Errors, Mean, MeanConfidence, MeanEntropy

ALL = [NLL, Brier, MeanEntropy, MeanConfidence, Errors]


def data(n=300, classes=7, dtype=torch.float64):
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(n, classes, generator=generator, dtype=torch.float64)
    return logits.to(dtype), torch.randint(classes, (n,), generator=generator)


def value(metric, logits, target):
    instance = metric()
    instance.update(logits, target)
    return instance.compute()


def by_numpy(metric, logits, target):
    """The definition in NumPy and SciPy, float64."""
    p, y = scipy.special.softmax(logits.double().numpy(), axis=1), target.numpy()
    one_hot = np.eye(p.shape[1])[y]
    if metric is NLL:
        return -np.log(p[np.arange(len(y)), y]).mean()
    if metric is Brier:
        return ((p - one_hot) ** 2).sum(1).mean()
    if metric is MeanEntropy:
        return scipy.stats.entropy(p, axis=1).mean()
    if metric is MeanConfidence:
        return p.max(1).mean()
    return (p.argmax(1) != y).sum()


@pytest.mark.parametrize("metric", ALL)
def test_score_equals_its_definition(metric):
    logits, target = data()
    assert value(metric, logits, target).item() == pytest.approx(by_numpy(metric, logits, target), rel=1e-12)


def test_nll_equals_cross_entropy():
    logits, target = data()
    torch.testing.assert_close(value(NLL, logits, target), F.cross_entropy(logits, target), rtol=1e-12, atol=0)


def test_errors_is_a_count():
    logits = torch.tensor([[2.0, 1.0], [2.0, 1.0], [1.0, 2.0]])
    metric = Errors()
    for _ in range(2):
        metric.update(logits, torch.tensor([0, 1, 0]))
    assert metric.compute() == 4


@pytest.mark.parametrize("metric", ALL)
def test_half_precision_logits_are_computed_in_float32(metric):
    dtype = torch.bfloat16
    logits, target = data(dtype=dtype)
    result = value(metric, logits, target)
    assert result.dtype == torch.float64
    assert torch.equal(result, value(metric, logits.float(), target))
    assert result.item() == pytest.approx(by_numpy(metric, logits, target), rel=1e-5)


@pytest.mark.filterwarnings("ignore:The ``compute`` method")  # torchmetrics does not count merging
@pytest.mark.parametrize("metric", ALL)
@settings(max_examples=10, deadline=None)
@given(cuts=st.lists(st.integers(1, 299), max_size=8, unique=True))
def test_batching_and_merging_do_not_change_the_score(metric, cuts):
    logits, target = data(dtype=torch.float32)
    whole = value(metric, logits, target)
    batched, merged = metric(), metric()
    for part in torch.tensor_split(torch.arange(300), sorted(cuts)):
        batched.update(logits[part], target[part])
        shard = metric()
        shard.update(logits[part], target[part])
        merged.merge_state(shard)
    torch.testing.assert_close(batched.compute(), whole, rtol=1e-12, atol=0)
    torch.testing.assert_close(merged.compute(), whole, rtol=1e-12, atol=0)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize(
    ("metric", "expected"), [(NLL, 0.25e4), (Brier, 0.5), (MeanEntropy, 0), (MeanConfidence, 1), (Errors, 1)]
)
def test_saturated_logits_give_finite_scores(metric, expected, dtype):
    logits = 1e4 * torch.eye(4, dtype=dtype)
    result = value(metric, logits, torch.tensor([0, 1, 2, 0]))
    assert result.item() == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("metric", ALL)
def test_classes_of_probability_zero_leave_the_score_of_the_others(metric, dtype):
    logits, target = data(dtype=dtype)
    impossible = torch.full((len(logits), 2), -torch.inf, dtype=dtype)
    result = value(metric, torch.cat([logits, impossible], 1), target)
    assert result.isfinite()
    torch.testing.assert_close(result, value(metric, logits, target))


def test_entropy_lies_between_zero_and_log_of_the_classes():
    target = torch.zeros(3, dtype=torch.int64)
    assert value(MeanEntropy, torch.zeros(3, 5, dtype=torch.float64), target).item() == pytest.approx(np.log(5))
    assert value(MeanEntropy, torch.tensor([[0.0, -torch.inf, -torch.inf]]), target[:1]).item() == 0


@pytest.mark.filterwarnings("ignore:The ``compute`` method")
@pytest.mark.parametrize("metric", ALL)
def test_no_sample_gives_nan_and_no_errors(metric):
    result = metric().compute()
    assert result == 0 if metric is Errors else result.isnan()


def test_a_mean_sums_in_float64_and_shows_what_is_no_number():
    metric = Mean()
    for _ in range(3):
        metric.update(torch.tensor(0.1) * 7, 7)  # in float32
    assert metric.compute().item() == 3 * (torch.tensor(0.1) * 7).double().item() / 21
    metric.update(torch.tensor(torch.nan), 1)
    assert metric.compute().isnan()
