"""Convergence measures on curves whose answers are known."""

import numpy as np
import pytest

from entreg.compare.dynamics import area_under_curve, gradient_norm_variance, loss_spikes, reached

STEPS, SECONDS = np.arange(1, 6) * 100 - 1, np.arange(1, 6) * 10.0
ACCURACY = np.array([0.80, 0.91, 0.90, np.nan, 0.93])


def test_first_evaluation_at_the_target():
    assert reached(STEPS, SECONDS, ACCURACY, 0.9, steps_per_epoch=100) == (2.0, 20.0)
    assert reached(STEPS, SECONDS, ACCURACY, 0.93, steps_per_epoch=50) == (10.0, 50.0)


def test_a_target_never_reached():
    assert reached(STEPS, SECONDS, ACCURACY, 0.95, steps_per_epoch=100) is None
    assert reached([], [], [], 0.5, steps_per_epoch=100) is None


def test_area_is_the_mean_of_a_straight_line():
    steps = np.array([0, 10, 50, 100])
    assert area_under_curve(steps, 0.5 + steps / 200) == pytest.approx(0.75, abs=1e-12)
    assert area_under_curve([7], [0.3]) == 0.3


@pytest.mark.parametrize("steps", [[], [1, 1], [2, 1]])
def test_area_needs_increasing_steps(steps):
    with pytest.raises(ValueError, match="strictly increasing"):
        area_under_curve(steps, np.zeros(len(steps)))


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="one length"):
        reached([1, 2], [1.0, 2.0], [0.5], 0.5, steps_per_epoch=1)


def decaying_loss(seed=0, n=2000):
    t = np.arange(n)
    return (0.2 + 3 * np.exp(-t / 200)) * np.random.default_rng(seed).lognormal(0, 0.1, n)


def test_no_spike_in_a_noisy_decay():
    assert sum(loss_spikes(decaying_loss(seed)) for seed in range(10)) == 0
    assert loss_spikes(np.ones(100)) == 0
    assert loss_spikes([]) == 0


def test_planted_spikes_are_counted_once_each():
    loss = decaying_loss()
    for start, length in ((300, 1), (800, 5), (1500, 10)):
        loss[start : start + length] *= 6
    assert loss_spikes(loss) == 3


def test_a_new_level_is_one_spike():
    levels = np.r_[np.ones(200), 3 * np.ones(200), 2 * np.ones(200)]
    assert loss_spikes(levels + 0.01 * np.random.default_rng(0).normal(size=600)) == 1


def test_values_that_are_not_finite_are_spikes():
    loss = decaying_loss()
    loss[[100, 101, 500]] = np.nan, np.inf, np.inf
    assert loss_spikes(loss) == 2
    assert loss_spikes([np.nan, np.nan]) == 1


def test_the_past_has_a_spread():
    with pytest.raises(ValueError, match="at least 2"):
        loss_spikes([1.0], window=1)


def test_variance_of_gradient_norms_ignores_the_scale():
    norms = np.random.default_rng(0).lognormal(1, 0.5, 10_000)
    assert gradient_norm_variance(norms) == pytest.approx(0.25, rel=0.05)
    assert gradient_norm_variance(1000 * norms) == pytest.approx(gradient_norm_variance(norms), rel=1e-9)
    assert gradient_norm_variance([1.0, 0.0, np.inf]) is None
