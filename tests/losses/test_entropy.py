"""The named losses: what follows from the paper's algebra."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.distributions import Categorical

from entreg.losses import CrossEntropyLoss, EntropyRegularizedLoss, MinEntLoss, MixEntLoss, ReverseKLLoss, Term
from entreg.losses.functional import cross_entropy, entropy_regularized, reverse_cross_entropy
from tests.losses.oracle import family
from tests.losses.samples import FIXED, examples, learnt_losses, losses, p_y, sample, targets


@targets
@examples
@given(base=st.floats(1.1, 20), power=st.floats(0.2, 5))
def test_a_power_of_the_base_is_a_divisor_of_the_loss(target_kind: str, base: float, power: float) -> None:
    logits, target = sample(target_kind)
    for function in (cross_entropy, reverse_cross_entropy):
        torch.testing.assert_close(
            power * function(logits, target, base=base**power), function(logits, target, base=base)
        )


@learnt_losses
@examples
@given(weight=st.floats(0.1, 5), base=st.floats(1.1, 20), power=st.floats(0.2, 5))
def test_only_weight_over_logarithm_of_base_matters_to_value_and_logit_gradient(
    cls: type[EntropyRegularizedLoss], weight: float, base: float, power: float
) -> None:
    logits, target = sample()
    logits.requires_grad_()
    one = cls(weight, base, 2 * weight, base)
    other = cls(weight * power, base**power, 2 * weight * power, base**power)
    value, same = one(logits, target), other(logits, target)
    torch.testing.assert_close(value, same, rtol=1e-5, atol=1e-6)
    gradients = [torch.autograd.grad(loss, logits)[0] for loss in (value, same)]
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-6)


@targets
@pytest.mark.parametrize(
    ("names", "coefficients"),
    [
        (("ce",), {"ce": 1.0}),
        (("ce", "entropy"), {"ce": 1.0, "entropy": 0.5}),
        (("ce", "rce"), {"ce": 1.0, "entropy": 0.5, "kl": 0.5}),
        (("ce", "kl"), {"ce": 1.0, "kl": 0.5}),
    ],
    ids=["cross_entropy", "min_ent", "mix_ent", "kl_alone"],
)
def test_named_members_are_the_family_with_their_coefficients(
    names: tuple[str, ...], coefficients: dict[str, float], target_kind: str
) -> None:
    logits, target = sample(target_kind)
    start = ((math.log(2), 2.0), (0.5 * math.log(10), 10.0))
    want = entropy_regularized(logits, target, **coefficients)
    named = {("ce", "entropy"): MinEntLoss, ("ce", "rce"): MixEntLoss, ("ce", "kl"): ReverseKLLoss}
    for learn_bases, constraint in ((False, "fixed"), (True, "square")):
        terms = {name: Term(*values, learn_base=learn_bases) for name, values in zip(names, start, strict=False)}
        got = EntropyRegularizedLoss(**terms, constraint=constraint)(logits, target)
        torch.testing.assert_close(got, want, rtol=1e-6, atol=0)
        if cls := named.get(names):
            loss = cls(*start[0], *start[1], learn_bases=learn_bases, constraint=constraint)
            torch.testing.assert_close(loss(logits, target), got, rtol=0, atol=0)


@targets
@losses
def test_defaults_agree_with_the_formula(cls: type[EntropyRegularizedLoss], target_kind: str) -> None:
    logits, target = sample(target_kind)
    published = {
        CrossEntropyLoss: {"ce": 1.0},
        MinEntLoss: {"ce": 0.839**2 / math.log(2.02), "entropy": 0.308**2 / math.log(10.73)},
        MixEntLoss: {"ce": 0.717**2 / math.log(12.58), "rce": 0.943**2 / math.log(12.45)},
    }[cls]
    want = family(logits.numpy(), target.numpy(), **published)
    assert cls()(logits, target).item() == pytest.approx(want, rel=1e-6)


def test_the_confidence_penalty_is_the_member_with_a_negative_entropy_coefficient() -> None:
    logits, target = sample()
    want = F.cross_entropy(logits, target) - 0.1 * Categorical(logits=logits).entropy().mean()
    torch.testing.assert_close(entropy_regularized(logits, target, ce=1.0, entropy=-0.1, kl=0.0), want)


@pytest.mark.parametrize("eps", [1e-12, 1e-6, math.exp(-4), 0.5])
def test_rce_of_hard_targets_is_1_minus_p_y_times_minus_ln_eps(eps: float) -> None:
    logits, target = sample()
    got = reverse_cross_entropy(logits, target, eps=eps, reduction="none")
    torch.testing.assert_close(got, (1 - p_y(logits, target)) * -math.log(eps), rtol=1e-12, atol=1e-12)
    absolute_error = (logits.softmax(1) - F.one_hot(target, 4)).abs().sum(1)
    torch.testing.assert_close(got, absolute_error / 2 * -math.log(eps), rtol=1e-12, atol=1e-12)


def test_mix_ent_of_hard_targets_is_symmetric_cross_entropy() -> None:
    logits, target = sample()
    alpha, beta, eps = 0.1, 1.0, 1e-4
    p, one_hot = logits.softmax(1), F.one_hot(target, 4).double()
    ce = -(one_hot * p.log()).sum(1)
    rce = -(p * one_hot.clamp(min=eps).log()).sum(1)
    loss = MixEntLoss(alpha, math.e, beta, math.e, eps=eps, **FIXED)
    torch.testing.assert_close(loss(logits, target), (alpha * ce + beta * rce).mean(), rtol=1e-6, atol=0)


def test_published_min_ent_is_cross_entropy_and_a_nudge() -> None:
    logits, target = sample()
    coefficients = MinEntLoss().coefficients.observed()
    assert coefficients["coefficient/ce"].item() == pytest.approx(1.001, abs=5e-4)
    assert coefficients["coefficient/entropy"].item() == pytest.approx(0.040, abs=5e-4)
    want = F.cross_entropy(logits, target) + 0.04 * Categorical(logits=logits).entropy().mean()
    torch.testing.assert_close(MinEntLoss()(logits, target), want, rtol=2e-3, atol=0)


def test_published_mix_ent_is_mostly_mean_absolute_error() -> None:
    logits, target = sample()
    coefficients = MixEntLoss().coefficients.observed()
    assert coefficients["coefficient/ce"].item() == pytest.approx(0.203, abs=5e-4)
    assert coefficients["coefficient/rce"].item() == pytest.approx(0.353, abs=5e-4)
    assert coefficients["coefficient/rce"].item() * -math.log(1e-6) == pytest.approx(4.87, abs=5e-3)
    want = 0.203 * F.cross_entropy(logits, target) + 4.87 * (1 - p_y(logits, target)).mean()
    torch.testing.assert_close(MixEntLoss()(logits, target), want, rtol=2e-3, atol=0)


def coefficients_left_after_training(loss: EntropyRegularizedLoss, coefficient_lr: float) -> dict[str, float]:
    """Share of its start value that each coefficient keeps on a noisy logistic problem."""
    generator = torch.Generator().manual_seed(3)
    inputs = torch.randn(64, 8, generator=generator)
    target = (inputs[:, 0] + torch.randn(64, generator=generator) > 0).long()
    net = nn.Linear(8, 2)
    nn.init.zeros_(net.weight)
    nn.init.zeros_(net.bias)
    groups = [
        {"params": net.parameters(), "lr": 1e-2},
        {"params": loss.parameters(), "lr": coefficient_lr},
    ]
    optimizer = torch.optim.Adam(groups)
    start = loss.coefficients.observed()
    for _ in range(200):
        optimizer.zero_grad()
        loss(net(inputs), target).backward()
        optimizer.step()
    end = loss.coefficients.observed()
    return {name: (end[name] / start[name]).item() for name in start if name.startswith("coefficient/")}


@learnt_losses
def test_squared_weights_collapse_unless_they_are_learnt_slowly(cls: type[EntropyRegularizedLoss]) -> None:
    fast = coefficients_left_after_training(cls(1.0, 2.7, 1.0, 2.7), 3e-2)
    slow = coefficients_left_after_training(cls(1.0, 2.7, 1.0, 2.7), 1e-4)
    assert max(fast.values()) < 0.05
    assert min(slow.values()) > 0.8


def test_cross_entropy_loss_has_nothing_to_learn() -> None:
    assert list(CrossEntropyLoss().parameters()) == []


@pytest.mark.parametrize(("cls", "term"), [(MinEntLoss, "entropy"), (MixEntLoss, "rce"), (ReverseKLLoss, "kl")])
def test_a_schedule_is_that_of_the_second_term(cls: type[EntropyRegularizedLoss], term: str) -> None:
    coefficients = cls(schedule="decay").coefficients
    assert dict(zip(coefficients.terms, coefficients.schedules, strict=True)) == {"ce": "constant", term: "decay"}
