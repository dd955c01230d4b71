"""The weights and bases of a loss: start values, constraints, gradients and what they refuse."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from entreg.losses import Coefficients

WEIGHTS, BASES = {"ce": 0.7, "entropy": 0.1}, {"ce": 2.02, "entropy": 10.73}
both_constraints = pytest.mark.parametrize("constraint", ["fixed", "square"])
both_bases = pytest.mark.parametrize("learn_bases", [False, True])


def float64(**options) -> Coefficients:
    return Coefficients(WEIGHTS, BASES, **options).double()


@both_constraints
@both_bases
@settings(max_examples=50, deadline=None)
@given(weight=st.just(0.0) | st.floats(1e-6, 1e4), base=st.floats(1.001, 1e6))
def test_a_coefficient_starts_at_weight_over_logarithm_of_base(
    weight: float, base: float, constraint: str, learn_bases: bool
) -> None:
    module = Coefficients({"ce": 1.0, "kl": weight}, {"ce": math.e, "kl": base}, constraint, learn_bases)
    coefficients, penalty = module()
    assert list(coefficients) == ["ce", "kl"]
    assert coefficients["ce"].item() == pytest.approx(1.0, rel=2e-6)
    assert coefficients["kl"].item() == pytest.approx(weight / math.log(base), rel=2e-6)
    assert penalty.shape == ()
    assert penalty == 0


@pytest.mark.parametrize(
    ("constraint", "learn_bases", "names"),
    [
        ("fixed", False, set()),
        ("fixed", True, {"raw_bases"}),
        ("square", False, {"raw_weights"}),
        ("square", True, {"raw_weights", "raw_bases"}),
    ],
)
def test_only_what_is_learnt_is_a_parameter(constraint: str, learn_bases: bool, names: set[str]) -> None:
    module = Coefficients(WEIGHTS, BASES, constraint, learn_bases)
    assert {name for name, _ in module.named_parameters()} == names
    assert all(parameter.requires_grad for parameter in module.parameters())


def test_a_square_weight_is_the_square_of_its_parameter_and_never_negative() -> None:
    module = Coefficients(WEIGHTS, BASES, "square")
    nn.init.constant_(module.raw_weights, -3.0)
    torch.testing.assert_close(module.weights(), torch.tensor([9.0, 9.0]))


@pytest.mark.parametrize("raw", [-50.0, -10.0, 0.0, 10.0, 50.0, 1e4])
def test_a_learnt_base_stays_above_1_whatever_its_parameter(raw: float) -> None:
    module = Coefficients(WEIGHTS, BASES)
    nn.init.constant_(module.raw_bases, raw)
    assert (module.log_bases() > 0).all()
    assert all(coefficient.isfinite() for coefficient in module()[0].values())


@both_constraints
@both_bases
def test_gradient_is_that_of_the_value(constraint: str, learn_bases: bool) -> None:
    module = float64(constraint=constraint, learn_bases=learn_bases)
    state = {name: value.detach().requires_grad_() for name, value in module.state_dict().items()}

    def coefficients(*values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        terms, _ = torch.func.functional_call(module, dict(zip(state, values, strict=True)), ())
        return tuple(terms.values())

    assert torch.autograd.gradcheck(coefficients, tuple(state.values()))


@both_constraints
@both_bases
def test_observed_are_the_weights_bases_and_coefficients_in_use(constraint: str, learn_bases: bool) -> None:
    module = Coefficients(WEIGHTS, BASES, constraint, learn_bases)
    observed = module.observed()
    assert not any(value.requires_grad for value in observed.values())
    want = {f"weight/{term}": value for term, value in WEIGHTS.items()}
    want |= {f"base/{term}": value for term, value in BASES.items()}
    want |= {f"coefficient/{term}": value.item() for term, value in module()[0].items()}
    assert {name: value.item() for name, value in observed.items()} == pytest.approx(want, rel=1e-6)


@both_constraints
@both_bases
def test_state_dict_restores_every_coefficient(constraint: str, learn_bases: bool) -> None:
    saved = Coefficients(WEIGHTS, BASES, constraint, learn_bases)
    restored = Coefficients(dict.fromkeys(WEIGHTS, 1.0), dict.fromkeys(BASES, 3.0), constraint, learn_bases)
    assert restored.observed() != saved.observed()
    restored.load_state_dict(saved.state_dict())
    assert restored.observed() == saved.observed()


def test_repr_shows_the_values_in_use() -> None:
    text = repr(Coefficients({"ce": 0.5}, {"ce": 10.0}))
    assert "'weight/ce': 0.5" in text
    assert "'base/ce': 10.0" in text
    assert "constraint='square', learn_bases=True" in text


@pytest.mark.parametrize("weight", [-0.1, math.inf, math.nan])
def test_a_weight_that_is_negative_or_not_finite_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match=rf"^the weight of ce must be a finite number >= 0, got {weight}$"):
        Coefficients({"ce": weight}, {"ce": 2.0})


@pytest.mark.parametrize("base", [1.0, 0.5, -2.0, math.inf, math.nan])
def test_a_base_that_is_not_above_1_is_refused(base: float) -> None:
    with pytest.raises(ValueError, match=rf"^base must be a number > 1, got {base}$"):
        Coefficients({"ce": 1.0}, {"ce": base})


def test_an_unknown_constraint_is_refused() -> None:
    choices = "'fixed', 'free', 'square', 'exp', 'softplus'"
    with pytest.raises(ValueError, match=rf"^constraint must be one of {choices}, got 'cube'$"):
        Coefficients(WEIGHTS, BASES, constraint="cube")


LEARNT = ("free", "square", "exp", "softplus")


@pytest.mark.parametrize("constraint", LEARNT)
def test_every_constraint_starts_at_the_given_weights(constraint):
    module = Coefficients({"ce": 0.7, "entropy": 2.5}, {"ce": 2.0, "entropy": 10.0}, constraint).double()
    assert module.raw_weights.requires_grad
    torch.testing.assert_close(module.weights(), torch.tensor([0.7, 2.5]).double(), rtol=1e-6, atol=0)


@pytest.mark.parametrize("constraint", LEARNT)
def test_only_free_weights_can_pass_zero(constraint):
    module = Coefficients({"ce": 0.5}, {"ce": 2.0}, constraint, learn_bases=False)
    optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
    for _ in range(10):
        optimizer.zero_grad()
        module()[0]["ce"].backward()
        optimizer.step()
    assert (module.weights().item() < 0) is (constraint == "free")


@pytest.mark.parametrize("constraint", ["exp", "softplus"])
def test_a_weight_of_0_is_out_of_reach_of_an_open_map(constraint):
    with pytest.raises(ValueError, match=f"the weight of ce must be > 0 with constraint '{constraint}', got 0"):
        Coefficients({"ce": 0.0}, {"ce": 2.0}, constraint)
