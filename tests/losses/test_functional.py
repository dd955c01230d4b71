"""The loss functions against the formulas in NumPy, against PyTorch, and against their own contract."""

from __future__ import annotations

import math
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from entreg.losses.functional import (
    cross_entropy,
    entropy,
    entropy_regularized,
    reverse_cross_entropy,
    reverse_kl,
)
from tests.losses.oracle import Case, as_tensors, cases, family, logit_arrays

COEFFICIENTS = {"ce": 0.7, "entropy": -0.4, "kl": 1.3, "rce": 0.6, "penalty": 0.2}
COMMON = ("weight", "ignore_index", "reduction")
ALL = ("eps", "label_smoothing", "unlabelled", *COMMON)
# function, the oracle's coefficients, the arguments it takes
FUNCTIONS = {
    "cross_entropy": (cross_entropy, {"ce": 1.0}, ("base", "label_smoothing", *COMMON)),
    "reverse_cross_entropy": (reverse_cross_entropy, {"rce": 1.0}, ("base", "eps", *COMMON)),
    "reverse_kl": (reverse_kl, {"kl": 1.0}, ("base", "eps", *COMMON)),
    "entropy_regularized": (partial(entropy_regularized, **COEFFICIENTS), COEFFICIENTS, ALL),
}
TARGETS = ["hard", "soft"]
HALVES = [torch.float16, torch.bfloat16]
REDUCTIONS = ["none", "mean", "sum"]

functions = pytest.mark.parametrize("name", FUNCTIONS)
targets = pytest.mark.parametrize("target_kind", TARGETS)
examples = settings(max_examples=50, deadline=None)
close = partial(np.testing.assert_allclose, rtol=1e-10, atol=1e-10)


def sample(target_kind: str, *shape: int, dtype: torch.dtype = torch.float64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(1)
    logits = torch.randn(shape, generator=generator, dtype=torch.float64).to(dtype) * 2
    if target_kind == "hard":
        return logits, torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)
    return logits, torch.rand(shape, generator=generator, dtype=torch.float64).softmax(1).to(dtype)


def extreme(target_kind: str, dtype: torch.dtype) -> tuple[torch.Tensor, torch.Tensor]:
    inf = math.inf
    logits = torch.tensor(
        [
            [1e4, -1e4, 0.0],
            [-1e4, 1e4, 1e4],
            [1e4, 1e4, 1e4],
            [-1e4, -1e4, -1e4],
            [0.5, -inf, 2.0],
            [1e4, -inf, -inf],
            [-1e4, -inf, 1e4],
        ],
        dtype=dtype,
    )
    target = torch.zeros(len(logits), dtype=torch.int64)
    if target_kind == "hard":
        return logits, target
    possible = (logits > -inf).to(dtype)
    return logits, possible / possible.sum(1, keepdim=True)


@functions
@targets
@examples
@given(data=st.data())
def test_agrees_with_the_formula(name: str, target_kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(hard=target_kind == "hard"))
    function, coefficients, options = FUNCTIONS[name]
    got = function(*case.tensors(), **case.torch_options(*options))
    want = family(case.logits, case.target, **coefficients, **case.options(*options))
    assert got.dtype == torch.float64
    assert got.shape == want.shape
    close(got.numpy(), want)


@examples
@given(case=cases(hard=True))
def test_entropy_agrees_with_the_formula(case: Case) -> None:
    got = entropy(case.tensors()[0], base=case.base, reduction=case.reduction)
    want = family(case.logits, np.zeros_like(case.target), entropy=1.0, base=case.base, reduction=case.reduction)
    assert got.shape == want.shape
    close(got.numpy(), want)


def a_coefficient(data: st.DataObject, classes: int, per_class: bool) -> float | np.ndarray:
    scalar = st.sampled_from([0.0, 0.7, -0.4])
    many = st.lists(st.floats(-2, 2), min_size=classes, max_size=classes).map(np.array)
    return data.draw(scalar | many if per_class else scalar)


@targets
@settings(max_examples=100, deadline=None)
@given(data=st.data())
def test_any_coefficients_shared_or_of_each_class_agree_with_the_formula(target_kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(hard=target_kind == "hard"))
    coefficients = {name: a_coefficient(data, case.classes, per_class=True) for name in ("ce", "entropy", "rce")}
    coefficients |= {name: a_coefficient(data, case.classes, per_class=False) for name in ("kl", "penalty")}
    got = entropy_regularized(*case.tensors(), **as_tensors(coefficients), **case.torch_options(*ALL))
    want = family(case.logits, case.target, **coefficients, **case.options(*ALL))
    assert got.shape == want.shape
    close(got.numpy(), want)


@targets
@examples
@given(data=st.data())
def test_rce_is_entropy_and_kl_together(target_kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(hard=target_kind == "hard"))
    loss = partial(entropy_regularized, *case.tensors(), ce=0.3, **case.torch_options(*ALL))
    tied = loss(rce=0.8)
    torch.testing.assert_close(loss(entropy=0.8, kl=0.8), tied, rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(loss(kl=0.8), tied + loss(ce=0.0, entropy=-0.8), rtol=1e-10, atol=1e-10)


@targets
@examples
@given(data=st.data())
def test_equal_coefficients_of_each_class_are_one_coefficient(target_kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(hard=target_kind == "hard"))
    loss = partial(entropy_regularized, *case.tensors(), **case.torch_options(*ALL))
    shared = {"ce": 0.7, "entropy": -0.4, "rce": 0.6}
    each = {name: torch.full((case.classes,), value, dtype=torch.float64) for name, value in shared.items()}
    torch.testing.assert_close(loss(**each, kl=0.2), loss(**shared, kl=0.2), rtol=1e-10, atol=1e-10)


@targets
def test_class_coefficients_have_the_gradient_of_the_value(target_kind: str) -> None:
    logits, target = sample(target_kind, 3, 4, 2)
    ce, entropy, rce = torch.tensor([[0.5, 0.0, 1.0, 2.0], [-0.3, 0.0, 0.1, 0.2], [0.4, 0.0, 0.2, 0.7]]).double()

    def loss(z: torch.Tensor, ce: torch.Tensor, entropy: torch.Tensor, rce: torch.Tensor) -> torch.Tensor:
        return entropy_regularized(z, target, ce=ce, entropy=entropy, rce=rce, reduction="none")

    assert torch.autograd.gradcheck(loss, [leaf.requires_grad_() for leaf in (logits, ce, entropy, rce)])


@targets
def test_class_coefficients_have_a_finite_gradient_where_logits_are_minus_infinity(target_kind: str) -> None:
    logits, target = (tensor[4:] for tensor in extreme(target_kind, torch.float32))
    coefficients = {name: torch.ones(3, requires_grad=True) for name in ("ce", "entropy", "rce")}
    entropy_regularized(logits.requires_grad_(), target, **coefficients).backward()
    for leaf in (logits, *coefficients.values()):
        assert leaf.grad.isfinite().all()


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_unlabelled_samples_have_their_entropy_and_a_sample_weight_of_1(reduction: str) -> None:
    logits, _ = sample("hard", 6, 3)
    target = torch.tensor([0, -100, 2, 0, -100, 2])
    weight = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    loss = partial(entropy_regularized, ce=1.0, entropy=0.4, kl=0.9, rce=0.2)
    labelled = target != -100
    want = torch.empty(6, dtype=torch.float64)
    want[labelled] = loss(logits[labelled], target[labelled], weight=weight, reduction="none")
    want[~labelled] = (0.4 + 0.2) * entropy(logits[~labelled], reduction="none")
    count = weight[target[labelled]].sum() + 2
    want = {"none": want, "sum": want.sum(), "mean": want.sum() / count}[reduction]
    got = loss(logits, target, weight=weight, unlabelled=True, reduction=reduction)
    torch.testing.assert_close(got, want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("coefficients", [{"rce": True}, {"entropy": True, "rce": 0.5}, {"entropy": 0.5, "rce": True}])
def test_an_unlabelled_sample_has_its_rce_by_the_class_coefficients_of_rce(coefficients: dict) -> None:
    logits = sample("hard", 1, 3)[0]
    parts = -logits.softmax(1) * logits.log_softmax(1)
    each = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    arguments = {name: each if value is True else value for name, value in coefficients.items()}
    got = entropy_regularized(logits, torch.tensor([-100]), **arguments, unlabelled=True)
    torch.testing.assert_close(got, sum((c * parts).sum() for c in arguments.values()), rtol=1e-12, atol=0)


def test_nothing_but_unlabelled_samples_is_the_mean_entropy() -> None:
    logits, _ = sample("hard", 6, 3)
    for coefficients in ({"entropy": 0.4, "kl": 0.9}, {"rce": 0.4}):
        got = entropy_regularized(logits, torch.full((6,), -100), **coefficients, unlabelled=True)
        torch.testing.assert_close(got, 0.4 * entropy(logits), rtol=1e-12, atol=0)


@functions
def test_an_empty_batch_gives_the_reductions_of_pytorch(name: str) -> None:
    logits = torch.zeros(0, 3)
    for target, reduction in product((torch.zeros(0, dtype=torch.int64), torch.zeros(0, 3)), REDUCTIONS):
        want = F.cross_entropy(logits, target, reduction=reduction)
        torch.testing.assert_close(FUNCTIONS[name][0](logits, target, reduction=reduction), want, equal_nan=True)


@functions
@targets
def test_gradient_is_that_of_the_value(name: str, target_kind: str) -> None:
    logits, target = sample(target_kind, 3, 4, 2)
    weight = torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=torch.float64)
    loss = partial(FUNCTIONS[name][0], target=target, weight=weight, reduction="none")
    assert torch.autograd.gradcheck(loss, logits.requires_grad_())


@targets
def test_second_derivative_is_that_of_the_gradient(target_kind: str) -> None:
    logits, target = sample(target_kind, 3, 4)
    loss = partial(entropy_regularized, target=target, **COEFFICIENTS, fused=False)
    assert torch.autograd.gradgradcheck(loss, logits.requires_grad_())


def test_gradient_of_the_entropy_is_that_of_its_value() -> None:
    logits, _ = sample("hard", 3, 4, 2)
    assert torch.autograd.gradcheck(partial(entropy, reduction="none"), logits.requires_grad_())


@functions
def test_extreme_logits_have_the_exact_value_and_a_finite_gradient(name: str) -> None:
    function, coefficients, _ = FUNCTIONS[name]
    for target_kind, dtype in product(TARGETS, (torch.float32, *HALVES)):
        logits, target = extreme(target_kind, dtype)
        values = function(logits.requires_grad_(), target, reduction="none")
        values.sum().backward()
        want = family(
            logits.detach().double().numpy(),
            target.numpy() if target_kind == "hard" else target.double().numpy(),
            **coefficients,
            reduction="none",
        )
        np.testing.assert_allclose(values.detach().numpy(), want, rtol=1e-5, atol=1e-5)
        assert logits.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, *HALVES], ids=str)
def test_entropy_of_extreme_logits_has_the_exact_value_and_a_finite_gradient(dtype: torch.dtype) -> None:
    logits, target = extreme("hard", dtype)
    values = entropy(logits.requires_grad_(), reduction="none")
    values.sum().backward()
    want = family(logits.detach().double().numpy(), target.numpy(), entropy=1.0, reduction="none")
    np.testing.assert_allclose(values.detach().numpy(), want, rtol=1e-5, atol=1e-5)
    assert logits.grad.isfinite().all()


@functions
@targets
def test_a_scaled_loss_has_the_scaled_gradient_where_logits_are_minus_infinity(name: str, target_kind: str) -> None:
    loss = FUNCTIONS[name][0]
    logits, target = (tensor[4:] for tensor in extreme(target_kind, torch.float32))
    logits.requires_grad_()
    possible = logits > -math.inf
    finite = torch.where(possible, logits.detach(), -1e5).requires_grad_()
    (want,) = torch.autograd.grad(loss(finite, target), finite)
    for scale in (1.0, 2.0**16):  # the latter of a gradient scaler
        (scaled,) = torch.autograd.grad(scale * loss(logits, target), logits)
        assert (scaled[~possible] == 0).all()
        torch.testing.assert_close(scaled / scale, want)


@pytest.mark.parametrize("masked", [-math.inf, torch.finfo(torch.float32).min])
def test_a_scaled_entropy_has_the_scaled_gradient_where_classes_are_masked(masked: float) -> None:
    scale = 2.0**16
    logits = torch.tensor([[0.5, masked, 2.0]], requires_grad=True)
    (scaled,) = torch.autograd.grad(scale * entropy(logits), logits)
    (want,) = torch.autograd.grad(entropy(logits[:, [0, 2]]), logits)
    torch.testing.assert_close(scaled / scale, want)


@pytest.mark.parametrize("dtype", HALVES, ids=str)
@targets
def test_half_precision_is_computed_and_returned_in_float32(target_kind: str, dtype: torch.dtype) -> None:
    reduction = "none"
    logits, target = sample(target_kind, 6, 5, dtype=dtype)
    exact = target.float() if target_kind == "soft" else target
    for function, _, _ in FUNCTIONS.values():
        got = function(logits, target, reduction=reduction)
        torch.testing.assert_close(got, function(logits.float(), exact, reduction=reduction), rtol=0, atol=0)
    assert entropy(logits, reduction=reduction).dtype == torch.float32


def test_nothing_but_ignored_samples_gives_the_nan_of_pytorch_in_the_mean_and_0_in_the_sum() -> None:
    logits, target = torch.zeros(2, 3), torch.full((2,), -100)
    assert F.cross_entropy(logits, target).isnan()
    assert entropy_regularized(logits, target, **COEFFICIENTS).isnan()
    assert entropy_regularized(logits, target, **COEFFICIENTS, reduction="sum") == 0


@functions
@examples
@given(data=st.data())
def test_hard_targets_equal_one_hot_targets(name: str, data: st.DataObject) -> None:
    classes = data.draw(st.integers(2, 5))
    logits = torch.tensor(data.draw(logit_arrays((4, classes))))
    target = torch.tensor(data.draw(st.lists(st.integers(0, classes - 1), min_size=4, max_size=4)))
    options = {"reduction": data.draw(st.sampled_from(REDUCTIONS))}
    function = FUNCTIONS[name][0]
    hard, one_hot = (
        function(logits, target, **options),
        function(logits, F.one_hot(target, classes).double(), **options),
    )
    torch.testing.assert_close(hard, one_hot, rtol=1e-10, atol=1e-10)


@functions
def test_ignored_samples_might_as_well_not_be_there(name: str) -> None:
    ignore_index = 1
    logits, _ = sample("hard", 6, 3)
    target = torch.tensor([0, ignore_index, 2, 0, ignore_index, 2])
    keep = target != ignore_index
    weight = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64)
    loss = partial(FUNCTIONS[name][0], weight=weight)
    whole, part = logits.clone().requires_grad_(), logits[keep].requires_grad_()
    for reduction in ("mean", "sum"):
        got = loss(whole, target, ignore_index=ignore_index, reduction=reduction)
        want = loss(part, target[keep], reduction=reduction)
        torch.testing.assert_close(got, want)
        (got_grad,), (want_grad,) = torch.autograd.grad(got, whole), torch.autograd.grad(want, part)
        torch.testing.assert_close(got_grad[keep], want_grad)
        assert (got_grad[~keep] == 0).all()
    values = loss(logits, target, ignore_index=ignore_index, reduction="none")
    torch.testing.assert_close(values[keep], loss(logits[keep], target[keep], reduction="none"))
    assert (values[~keep] == 0).all()


@functions
def test_what_an_ignored_sample_holds_does_not_matter(name: str) -> None:
    nan, inf = math.nan, math.inf
    logits = torch.tensor([[1.0, 2.0, 0.0], [-inf, 0.0, inf], [nan, nan, nan]], requires_grad=True)
    target = torch.tensor([1, -100, -100])
    loss = FUNCTIONS[name][0]
    got, want = loss(logits, target), loss(logits[:1], target[:1])
    torch.testing.assert_close(got, want)
    (got_grad,), (want_grad,) = torch.autograd.grad(got, logits), torch.autograd.grad(want, logits)
    torch.testing.assert_close(got_grad[0], want_grad[0])


@targets
@examples
@given(data=st.data())
def test_a_shift_of_all_logits_changes_nothing(target_kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(hard=target_kind == "hard"))
    shift = data.draw(st.floats(-100, 100))
    logits, target = case.tensors()
    loss = partial(entropy_regularized, target=target, **COEFFICIENTS, **case.torch_options(*COMMON))
    torch.testing.assert_close(loss(logits + shift), loss(logits), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(entropy(logits + shift), entropy(logits), rtol=1e-10, atol=1e-10)


@examples
@given(logits=logit_arrays((3, 4)), base=st.sampled_from([1.5, 2.0, 10.0]))
def test_entropy_lies_between_0_and_the_logarithm_of_the_number_of_classes(logits: np.ndarray, base: float) -> None:
    values = entropy(torch.tensor(logits), base=base, reduction="none")
    assert (values >= 0).all()
    assert (values <= math.log(4, base) + 1e-12).all()


@examples
@given(case=cases(hard=True))
def test_reverse_kl_is_at_least_minus_the_logarithm_of_the_floored_mass(case: Case) -> None:
    logits, target = case.tensors()
    classes = logits.shape[0 if logits.ndim == 1 else 1]
    bound = -math.log(1 + (classes - 1) * case.eps)
    kl = reverse_kl(logits, target, eps=case.eps, ignore_index=case.ignore_index, reduction="none")
    assert (kl >= bound - 1e-12).all()


@pytest.mark.parametrize("loss", [cross_entropy, reverse_cross_entropy, reverse_kl])
def test_what_the_message_says_skips_the_check(loss: Any) -> None:
    logits, no_distribution = torch.zeros(1, 3), torch.tensor([[0.5, 0.5, 0.5]])
    with pytest.raises(ValueError, match="validate_args=False skips this check"):
        loss(logits, no_distribution)
    assert loss(logits, no_distribution, validate_args=False).isfinite()
