"""The weights, bases and schedules of a loss: start values, constraints, gradients and what they refuse."""

from __future__ import annotations

import math
import pickle
from itertools import product

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from entreg.losses import Coefficients, Term, coefficients_of

FIXED_BASES = ("softmax", "uncertainty")
LEARNT = ("free", "square", "exp", "softplus", *FIXED_BASES)
CONSTRAINTS = ("fixed", *LEARNT)
SETTINGS = [(c, b) for c, b in product(CONSTRAINTS, (False, True)) if not (b and c in FIXED_BASES)]


def two_terms(learn_base: bool = True) -> dict[str, Term]:
    return {"ce": Term(0.7, 2.02, learn_base=learn_base), "entropy": Term(0.1, 10.73, learn_base=learn_base)}


@settings(max_examples=30, deadline=None)
@given(weight=st.floats(1e-6, 1e4), base=st.floats(1.001, 1e6))
def test_a_coefficient_starts_at_weight_over_logarithm_of_base(weight: float, base: float) -> None:
    for constraint, learn_base in SETTINGS:
        terms = {"ce": Term(1.0, learn_base=learn_base), "kl": Term(weight, base, learn_base=learn_base)}
        coefficients, _ = Coefficients(terms, constraint)()
        assert list(coefficients) == ["ce", "kl"]
        assert coefficients["ce"].item() == pytest.approx(1.0, rel=1e-5)
        assert coefficients["kl"].item() == pytest.approx(weight / math.log(base), rel=1e-5)


def test_only_what_is_learnt_is_a_parameter() -> None:
    for constraint, learn_base in SETTINGS:
        module = Coefficients(two_terms(learn_base), constraint)
        want = {"weight.learnt"} if constraint != "fixed" else set()
        want |= {"log_base.learnt"} if learn_base else set()
        assert {name for name, _ in module.named_parameters()} == want


def test_each_term_is_learnt_or_fixed_by_itself() -> None:
    terms = {
        "ce": Term(0.5, 3.0, learn_weight=False, learn_base=False),
        "entropy": Term(0.2, 4.0, learn_weight=True, learn_base=False),
        "kl": Term(0.3, 5.0, learn_weight=False, learn_base=True),
    }
    module = Coefficients(terms)
    before = {name: c.item() for name, c in module()[0].items()}
    assert before == pytest.approx({name: term.weight / math.log(term.base) for name, term in terms.items()}, rel=1e-6)
    for parameter in module.parameters():
        nn.init.constant_(parameter, 1.0)
    after = {name: c.item() for name, c in module()[0].items()}
    assert after["ce"] == before["ce"]
    assert after["entropy"] == pytest.approx(1 / math.log(4.0))
    assert after["kl"] == pytest.approx(0.3 / math.log(2 + math.log1p(math.e) - 1))


def test_a_square_weight_is_the_square_of_its_parameter_and_never_negative() -> None:
    module = Coefficients(two_terms(), "square")
    nn.init.constant_(module.weight.learnt, -3.0)
    torch.testing.assert_close(module.weights(), torch.tensor([9.0, 9.0]))


@pytest.mark.parametrize("raw", [-200.0, 0.0, 1e4])
def test_a_learnt_base_stays_above_1_whatever_its_parameter(raw: float) -> None:
    module = Coefficients(two_terms())
    nn.init.constant_(module.log_base.learnt, raw)
    assert (module.log_bases() > 0).all()
    assert all(coefficient.isfinite() for coefficient in module()[0].values())


@pytest.mark.parametrize("constraint", CONSTRAINTS)
def test_gradient_is_that_of_the_value(constraint: str) -> None:
    learn_base = constraint not in FIXED_BASES
    module = Coefficients(two_terms(learn_base), constraint).double()
    names = [name for name, _ in module.named_parameters()]

    def outputs(*values: Tensor) -> tuple[Tensor, ...]:
        coefficients, penalty = torch.func.functional_call(module, dict(zip(names, values, strict=True)), ())
        return (*coefficients.values(), penalty) if isinstance(penalty, Tensor) else tuple(coefficients.values())

    assert torch.autograd.gradcheck(outputs, tuple(module.parameters()))


def test_only_free_weights_can_pass_zero() -> None:
    for constraint in LEARNT:
        module = Coefficients({"ce": Term(0.5, 2.0, learn_base=False), "kl": Term(0.5, learn_base=False)}, constraint)
        optimizer = torch.optim.SGD(module.parameters(), lr=0.5)
        for _ in range(10):
            optimizer.zero_grad()
            module()[0]["ce"].backward()
            optimizer.step()
        assert (module.weights().min().item() < 0) is (constraint == "free")


def test_softmax_weights_keep_their_sum() -> None:
    module = Coefficients(two_terms(learn_base=False), "softmax")
    nn.init.normal_(module.weight.learnt, std=3.0)
    assert module.weights().sum().item() == pytest.approx(0.8, rel=1e-6)
    assert module()[1] == 0.0


@settings(max_examples=50, deadline=None)
@given(log_variance=st.lists(st.floats(-5, 5), min_size=2, max_size=2))
def test_uncertainty_is_a_normal_likelihood_whose_penalty_is_bounded(log_variance: list[float]) -> None:
    module = Coefficients(two_terms(learn_base=False), "uncertainty").double()
    module.weight.learnt.data = torch.tensor(log_variance).double()
    variances = [math.exp(value) for value in log_variance]
    assert module.weights().tolist() == pytest.approx([1 / (2 * variance) for variance in variances])
    assert module()[1].item() == pytest.approx(sum(math.log1p(variance) for variance in variances))


FACTORS = {
    "constant": lambda t: 1.0,
    "decay": lambda t: 1 - t,
    "grow": lambda t: t,
    "cosine_decay": lambda t: (1 + math.cos(math.pi * t)) / 2,
    "cosine_grow": lambda t: (1 - math.cos(math.pi * t)) / 2,
}


@pytest.mark.parametrize("schedule", FACTORS)
def test_a_schedule_scales_its_term_by_progress(schedule: str) -> None:
    module = Coefficients({"ce": Term(0.5), "rce": Term(0.4, schedule=schedule)})
    assert hasattr(module, "progress") is (schedule != "constant")
    for progress in (0.0, 0.25, 0.5, 1.0):
        if schedule != "constant":
            module.progress.fill_(progress)
        coefficients, _ = module()
        assert coefficients["ce"].item() == pytest.approx(0.5, rel=1e-6)
        want = 0.4 * FACTORS[schedule](progress)
        assert coefficients["rce"].item() == pytest.approx(want, abs=1e-7)
        assert module.observed()["weight/rce"].item() == pytest.approx(0.4, rel=1e-6)
        assert module.observed()["coefficient/rce"].item() == pytest.approx(want, abs=1e-7)


def test_observed_are_the_weights_bases_and_coefficients_in_use() -> None:
    for constraint, learn_base in SETTINGS:
        module = Coefficients(two_terms(learn_base), constraint)
        observed = module.observed()
        assert not any(value.requires_grad for value in observed.values())
        want = {f"weight/{name}": term.weight for name, term in two_terms().items()}
        want |= {f"base/{name}": term.base for name, term in two_terms().items()}
        want |= {f"coefficient/{name}": c.item() for name, c in module()[0].items()}
        assert {name: value.item() for name, value in observed.items()} == pytest.approx(want, rel=1e-5)


def test_bases_of_each_class_make_coefficients_of_each_class() -> None:
    module = Coefficients({"ce": Term(0.6, [2.0, 3.0, 4.0]), "entropy": Term(0.3, 5.0, schedule="decay")})
    coefficients, _ = module()
    want = [0.6 / math.log(base) for base in (2.0, 3.0, 4.0)]
    assert coefficients["ce"].tolist() == pytest.approx(want, rel=1e-6)
    assert coefficients["entropy"].tolist() == pytest.approx([0.3 / math.log(5.0)] * 3, rel=1e-6)
    observed = {name: value.item() for name, value in module.observed().items()}
    assert observed["coefficient/ce"] == pytest.approx(sum(want) / 3, rel=1e-6)
    assert [observed[f"{kind}/ce"] for kind in ("base", "base_min", "base_max")] == pytest.approx([3.0, 2.0, 4.0])


def test_a_state_dict_or_a_pickle_restores_every_coefficient() -> None:
    for constraint, learn_base in SETTINGS:
        saved = Coefficients(two_terms(learn_base), constraint)
        assert pickle.loads(pickle.dumps(saved)).observed() == saved.observed()
        others = {name: Term(1.0, 3.0, learn_base=learn_base) for name in two_terms()}
        restored = Coefficients(others, constraint)
        assert restored.observed() != saved.observed()
        restored.load_state_dict(saved.state_dict())
        assert restored.observed() == saved.observed()


def test_repr_shows_the_values_in_use() -> None:
    text = repr(Coefficients({"ce": Term(0.5, 10.0)}))
    assert "'weight/ce': 0.5" in text
    assert "'base/ce': 10.0" in text
    assert "constraint='square'" in text


@pytest.mark.parametrize("weight", [-0.1, math.inf, math.nan])
def test_a_weight_that_is_negative_or_not_finite_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match=rf"^the weight of ce must be a finite number >= 0, got {weight}$"):
        Coefficients({"ce": Term(weight)})


@pytest.mark.parametrize("base", [1.0, 0.5, -2.0, math.inf, math.nan])
def test_a_base_that_is_not_above_1_is_refused(base: float) -> None:
    for given_base in (base, [2.0, base]):
        with pytest.raises(ValueError, match=rf"^the base of ce must be a number > 1, got {base}$"):
            Coefficients({"ce": Term(1.0, given_base)})


def test_bases_for_different_numbers_of_classes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^per-class bases must be given for one number of classes, got \[2, 3\]$"):
        Coefficients({"ce": Term(1.0, [2.0, 3.0]), "entropy": Term(1.0, [2.0, 3.0, 4.0])})


def test_an_unknown_constraint_or_schedule_is_refused() -> None:
    choices = "'fixed', 'free', 'square', 'exp', 'softplus', 'softmax', 'uncertainty'"
    with pytest.raises(ValueError, match=rf"^constraint must be one of {choices}, got 'cube'$"):
        Coefficients(two_terms(), constraint="cube")
    choices = "'constant', 'decay', 'grow', 'cosine_decay', 'cosine_grow'"
    with pytest.raises(ValueError, match=rf"^the schedule of ce must be one of {choices}, got 'wax'$"):
        Coefficients({"ce": Term(schedule="wax")})


@pytest.mark.parametrize("constraint", FIXED_BASES)
def test_a_joint_constraint_spans_all_terms_and_needs_fixed_bases(constraint: str) -> None:
    with pytest.raises(ValueError, match=f"^constraint '{constraint}' needs fixed bases, but that of ce is learnt"):
        Coefficients(two_terms(learn_base=True), constraint)
    with pytest.raises(ValueError, match=f"^constraint '{constraint}' spans all terms: learn the weight of kl too"):
        Coefficients(
            {"ce": Term(learn_base=False), "kl": Term(learn_weight=False, learn_base=False)}, constraint=constraint
        )


@pytest.mark.parametrize("constraint", ["exp", "softplus", *FIXED_BASES])
def test_a_weight_of_0_is_out_of_reach_of_an_open_map(constraint: str) -> None:
    with pytest.raises(ValueError, match=f"^the weight of ce must be > 0 with constraint '{constraint}', got 0"):
        Coefficients({"ce": Term(0.0, 2.0, learn_base=False)}, constraint)


@pytest.mark.parametrize("base", [1.0000005, 1e31, 1e300])
def test_a_base_that_float32_cannot_hold_is_refused(base: float) -> None:
    with pytest.raises(
        ValueError, match=r"^the base of kl must lie between 1.000001 and 1e\+30, got .*: float32 holds no"
    ):
        Coefficients({"kl": Term(1.0, base)})


@pytest.mark.parametrize("base", [1.00001, 1e30])
def test_at_its_limits_a_learnt_base_still_has_a_gradient(base: float) -> None:
    module = Coefficients({"ce": Term(1.0, base)})
    coefficient = module()[0]["ce"]
    coefficient.backward()
    assert coefficient.item() == pytest.approx(1 / math.log(base), rel=0.05)
    assert module.log_base.learnt.grad.item() != 0


def test_what_is_no_number_is_refused() -> None:
    message = r"^the weight of ce must be a number, got Tensor; class weights go by keyword: weight=\.\.\.$"
    with pytest.raises(ValueError, match=message):
        Coefficients({"ce": Term(torch.ones(5))})
    with pytest.raises(ValueError, match=r"^the base of ce must be a number > 1, got tensor\(\[2., 3.\]\)$"):
        Coefficients({"ce": Term(1.0, torch.tensor([2.0, 3.0]))})
    with pytest.raises(ValueError, match=r"^the weight of ce must be at most 1e\+30, got 1e\+39$"):
        Coefficients({"ce": Term(1e39)})
    with pytest.raises(ValueError, match=r"^per-class bases must be given for one number of classes, got \[0\]$"):
        Coefficients({"ce": Term(1.0, [])})
    with pytest.raises(ValueError, match=r"^coefficients need at least one term$"):
        Coefficients({})


def test_what_a_loss_of_a_user_calls_coefficients_is_its_own() -> None:
    loss = nn.CrossEntropyLoss()
    loss.coefficients = (1.0, 2.0)
    assert coefficients_of(loss) == {}
