"""Temperature against scipy, against a planted one, and where there is no best one."""

import numpy as np
import pytest
import scipy.optimize
import scipy.special
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from entreg.metrics import fit_temperature
from tests.metrics.inputs import random_logits


def negative_log_likelihood(log_t, logits, target):
    log_p = scipy.special.log_softmax(logits.double().numpy() / np.exp(log_t), axis=1)
    return -log_p[np.arange(len(target)), target.numpy()].mean()


def planted(temperature, n=2000, classes=26, scale=3.0, seed=0):
    """Logits, targets drawn from softmax(logits / T), and the standard error of log T by Fisher's information."""
    rng = np.random.default_rng(seed)
    z = rng.normal(0, scale, (n, classes))
    p = scipy.special.softmax(z, axis=1)
    target = (p.cumsum(1) > rng.random((n, 1))).argmax(1)
    information = ((p * z**2).sum(1) - (p * z).sum(1) ** 2).sum()  # of log(1 / T) at T = 1: the scale of z is T's
    return torch.tensor(temperature * z), torch.tensor(target), information**-0.5


@pytest.mark.parametrize("temperature", [0.05, 1.0, 30.0])
def test_a_planted_temperature_is_recovered_within_its_standard_error(temperature):
    errors = []
    for seed in range(40):
        logits, target, standard_error = planted(temperature, n=500, seed=seed)
        errors.append(np.log(fit_temperature(logits, target) / temperature) / standard_error)
    assert np.abs(errors).max() < 3
    assert abs(np.mean(errors)) < 3 / 40**0.5
    assert 0.7 < np.std(errors) < 1.35


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
@pytest.mark.parametrize("scale", [1e-3, 10.0, 1e3])
def test_temperature_equals_scipy_s(scale, dtype):
    logits, target = random_logits(300, scale=scale, dtype=dtype)
    middle = np.log(scale)
    best = scipy.optimize.minimize_scalar(
        negative_log_likelihood, bounds=(middle - 3, middle + 6), args=(logits, target), options={"xatol": 1e-9}
    )
    ours = fit_temperature(logits, target)
    assert np.log(ours) == pytest.approx(best.x, abs=1e-6)
    assert negative_log_likelihood(np.log(ours), logits, target) <= best.fun + 1e-13


def test_the_derivative_vanishes_at_the_temperature():
    logits, target = random_logits(500, scale=7.0)
    log_t = torch.tensor(np.log(fit_temperature(logits, target)), requires_grad=True)
    torch.nn.functional.cross_entropy(logits / log_t.exp(), target).backward()
    assert abs(log_t.grad) < 1e-10


@settings(max_examples=25, deadline=None)
@given(st.floats(-2, 2), st.integers(0, 50), st.sampled_from(["some", "right", "wrong"]))
def test_scaled_logits_have_a_scaled_temperature(log_k, seed, kind):
    logits, target = random_logits(80, seed=seed)
    target = {"some": target, "right": logits.argmax(1), "wrong": logits.argmin(1)}[kind]
    assert fit_temperature(10**log_k * logits, target) == pytest.approx(
        10**log_k * fit_temperature(logits, target), rel=1e-8
    )


def test_shifted_or_permuted_samples_have_the_same_temperature():
    logits, target = random_logits(100)
    shift = 1e3 * torch.randn(100, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert fit_temperature(logits + shift, target) == pytest.approx(fit_temperature(logits, target), rel=1e-9)
    assert fit_temperature(logits.flip(0), target.flip(0)) == pytest.approx(fit_temperature(logits, target), rel=1e-9)


def margin(logits):
    first, second = logits.topk(2, 1).values.unbind(1)
    return (first - second).median().item()


def test_bounds_are_returned_where_there_is_no_best_temperature():
    logits, _ = random_logits(100)
    assert fit_temperature(logits, logits.argmax(1)) == pytest.approx(1e-4 * margin(logits), rel=1e-9)
    assert fit_temperature(logits, logits.argmin(1)) == pytest.approx(
        1e4 * (logits.amax(1) - logits.mean(1)).mean().item(), rel=1e-9
    )


@pytest.mark.parametrize("scale", [1e4, 1e8])
def test_one_error_among_saturated_logits_gives_a_finite_best(scale):
    logits, target = scale * torch.eye(4), torch.tensor([0, 1, 2, 0])
    assert fit_temperature(logits, target) == pytest.approx(scale / np.log(9), rel=1e-9)  # the largest p is then 3/4


def test_an_error_of_a_hair_is_not_overlooked():
    logits, target = random_logits(200)
    target = logits.argmax(1)
    first, second = logits[0].topk(2).values
    logits[0, target[0]] = second - 1e-3
    temperature = fit_temperature(logits, target)
    assert 1e-4 * margin(logits) < temperature < first
    around = [negative_log_likelihood(np.log(temperature) + step, logits, target) for step in (-0.01, 0, 0.01)]
    assert around[1] < min(around[0], around[2])


def test_constant_logits_say_nothing():
    assert fit_temperature(torch.full((5, 3), 7.0), torch.tensor([0, 1, 2, 0, 1])) == 1.0
    assert fit_temperature(torch.zeros(2, 1), torch.tensor([0, 0])) == 1.0


def test_impossible_classes_change_nothing_but_the_margin():
    logits, target = random_logits(200)
    impossible = torch.full((200, 3), -torch.inf, dtype=torch.float64)
    assert fit_temperature(torch.cat([logits, impossible], 1), target) == pytest.approx(
        fit_temperature(logits, target), rel=1e-9
    )


@pytest.mark.parametrize("fill", [-1e4, -1e9, torch.finfo(torch.float32).min])
def test_neither_masked_classes_nor_an_outlier_move_the_temperature(fill):
    logits, target, _ = planted(1.65, n=500, seed=0)
    expected = fit_temperature(logits, target)
    masked = torch.cat([logits, torch.full((500, 12), fill, dtype=torch.float64)], 1)
    assert fit_temperature(masked, target) == pytest.approx(expected, rel=1e-9)
    right = int((logits.argmax(1) == target).nonzero()[0])
    logits[right] *= -fill
    assert fit_temperature(logits, target) == pytest.approx(expected, rel=0.01)


def test_a_target_of_probability_zero_is_refused():
    logits = torch.tensor([[0.0, -torch.inf], [0.0, 1.0]])
    with pytest.raises(ValueError, match="logit of the target must be finite, got -inf for 1 of 2 samples"):
        fit_temperature(logits, torch.tensor([1, 0]))


def test_logits_that_require_gradients_are_left_alone():
    logits, target = random_logits(50)
    expected = fit_temperature(logits.clone(), target)
    before = logits.clone()
    assert fit_temperature(logits.requires_grad_(), target) == expected
    assert torch.equal(logits.detach(), before)
    assert logits.grad is None
