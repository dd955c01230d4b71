"""The loss functions against the formulas in NumPy, against PyTorch, and against their own contract."""

from __future__ import annotations

import math
from functools import partial

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
    terms,
)
from tests.losses.oracle import Case, cases, family, logit_arrays

COEFFICIENTS = {"ce": 0.7, "entropy": -0.4, "kl": 1.3}
COMMON = ("weight", "ignore_index", "reduction")
# function, the oracle's coefficients, the arguments it takes
FUNCTIONS = {
    "cross_entropy": (cross_entropy, {"ce": 1.0}, ("base", *COMMON)),
    "reverse_cross_entropy": (reverse_cross_entropy, {"rce": 1.0}, ("base", "eps", *COMMON)),
    "reverse_kl": (reverse_kl, {"kl": 1.0}, ("base", "eps", *COMMON)),
    "entropy_regularized": (partial(entropy_regularized, **COEFFICIENTS), COEFFICIENTS, ("eps", *COMMON)),
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


@examples
@given(case=cases(hard=False) | cases(hard=True))
def test_terms_are_those_of_the_reduced_losses(case: Case) -> None:
    parts = terms(*case.tensors(), **case.torch_options("eps", "weight", "ignore_index"))
    for term in ("ce", "entropy", "kl"):
        want = family(case.logits, case.target, **{term: 1.0}, **case.options("eps", "weight", "ignore_index"))
        close((getattr(parts, term).sum() / parts.normalizer).item(), want)


@functions
@targets
@pytest.mark.parametrize("weighted", [False, True])
def test_gradient_is_that_of_the_value(name: str, target_kind: str, weighted: bool) -> None:
    logits, target = sample(target_kind, 3, 4, 2)
    weight = torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=torch.float64) if weighted else None
    loss = partial(FUNCTIONS[name][0], target=target, weight=weight, reduction="none")
    assert torch.autograd.gradcheck(loss, logits.requires_grad_())


@targets
def test_second_derivative_is_that_of_the_gradient(target_kind: str) -> None:
    logits, target = sample(target_kind, 3, 4)
    loss = partial(entropy_regularized, target=target, **COEFFICIENTS)
    assert torch.autograd.gradgradcheck(loss, logits.requires_grad_())


def test_gradient_of_the_entropy_is_that_of_its_value() -> None:
    logits, _ = sample("hard", 3, 4, 2)
    assert torch.autograd.gradcheck(partial(entropy, reduction="none"), logits.requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float32, *HALVES], ids=str)
@targets
@functions
def test_extreme_logits_have_the_exact_value_and_a_finite_gradient(
    name: str, target_kind: str, dtype: torch.dtype
) -> None:
    function, coefficients, _ = FUNCTIONS[name]
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


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0**16])
@pytest.mark.parametrize("loss", [*(function for function, _, _ in FUNCTIONS.values())], ids=FUNCTIONS)
@targets
def test_a_scaled_loss_has_the_scaled_gradient_where_logits_are_minus_infinity(
    loss, target_kind: str, scale: float
) -> None:
    logits, target = (tensor[4:] for tensor in extreme(target_kind, torch.float32))
    logits.requires_grad_()
    (scaled,) = torch.autograd.grad(scale * loss(logits, target), logits)
    possible = logits > -math.inf
    assert (scaled[~possible] == 0).all()
    finite = torch.where(possible, logits.detach(), -1e5).requires_grad_()
    (want,) = torch.autograd.grad(loss(finite, target), finite)
    torch.testing.assert_close(scaled / scale, want)


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0**16])
@pytest.mark.parametrize("masked", [-math.inf, torch.finfo(torch.float32).min])
def test_a_scaled_entropy_has_the_scaled_gradient_where_classes_are_masked(masked: float, scale: float) -> None:
    logits = torch.tensor([[0.5, masked, 2.0]], requires_grad=True)
    (scaled,) = torch.autograd.grad(scale * entropy(logits), logits)
    (want,) = torch.autograd.grad(entropy(logits[:, [0, 2]]), logits)
    torch.testing.assert_close(scaled / scale, want)


@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("dtype", HALVES, ids=str)
@targets
def test_half_precision_is_computed_and_returned_in_float32(
    target_kind: str, dtype: torch.dtype, reduction: str
) -> None:
    logits, target = sample(target_kind, 6, 5, dtype=dtype)
    exact = target.float() if target_kind == "soft" else target
    for function, _, _ in FUNCTIONS.values():
        got = function(logits, target, reduction=reduction)
        torch.testing.assert_close(got, function(logits.float(), exact, reduction=reduction), rtol=0, atol=0)
    assert entropy(logits, reduction=reduction).dtype == torch.float32


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, *HALVES], ids=str)
@pytest.mark.parametrize("reduction", REDUCTIONS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("target_kind", "ignore_index"), [("hard", -100), ("hard", 2), ("soft", -100)])
def test_coefficients_1_0_0_are_the_cross_entropy_of_pytorch(
    target_kind: str, ignore_index: int, weighted: bool, reduction: str, dtype: torch.dtype
) -> None:
    logits, target = sample(target_kind, 5, 4, 3, dtype=dtype)
    ours, theirs = logits.clone().requires_grad_(), logits.clone().requires_grad_()
    wide = dtype if dtype == torch.float64 else torch.float32
    weight = torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=wide) if weighted else None
    options = {"weight": weight, "ignore_index": ignore_index, "reduction": reduction}
    got = entropy_regularized(ours, target, ce=1.0, entropy=0.0, kl=0.0, **options)
    want = F.cross_entropy(theirs.to(wide), target.to(wide) if target_kind == "soft" else target, **options)
    torch.testing.assert_close(got, want)
    slope = torch.linspace(-1, 2, want.numel(), dtype=wide).reshape(want.shape)
    got.backward(slope)
    want.backward(slope)
    torch.testing.assert_close(ours.grad, theirs.grad)


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
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("ignore_index", [-100, 1])
def test_ignored_rows_equal_removed_rows(name: str, ignore_index: int, weighted: bool) -> None:
    logits, _ = sample("hard", 6, 3)
    target = torch.tensor([0, ignore_index, 2, 0, ignore_index, 2])
    keep = target != ignore_index
    weight = torch.tensor([0.5, 1.0, 3.0], dtype=torch.float64) if weighted else None
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
@pytest.mark.parametrize("junk", [math.nan, math.inf, -math.inf])
def test_what_an_ignored_row_holds_does_not_matter(name: str, junk: float) -> None:
    logits = torch.tensor([[1.0, 2.0, 0.0], [junk, 0.0, 0.0], [junk, junk, junk]], requires_grad=True)
    target = torch.tensor([1, -100, -100])
    loss = FUNCTIONS[name][0]
    got, want = loss(logits, target), loss(logits[:1], target[:1])
    torch.testing.assert_close(got, want)
    (got_grad,), (want_grad,) = torch.autograd.grad(got, logits), torch.autograd.grad(want, logits)
    torch.testing.assert_close(got_grad[0], want_grad[0])


@functions
@targets
@examples
@given(data=st.data())
def test_a_shift_of_all_logits_changes_nothing(name: str, target_kind: str, data: st.DataObject) -> None:
    case: Case = data.draw(cases(hard=target_kind == "hard"))
    shift = data.draw(st.floats(-100, 100))
    logits, target = case.tensors()
    loss = partial(FUNCTIONS[name][0], target=target, **case.torch_options(*COMMON))
    torch.testing.assert_close(loss(logits + shift), loss(logits), rtol=1e-10, atol=1e-10)


@examples
@given(logits=logit_arrays((3, 4)), shift=st.floats(-100, 100))
def test_a_shift_of_all_logits_does_not_change_the_entropy(logits: np.ndarray, shift: float) -> None:
    z = torch.tensor(logits)
    torch.testing.assert_close(entropy(z + shift), entropy(z), rtol=1e-10, atol=1e-10)


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


LOGITS, INDICES = torch.zeros(2, 3), torch.tensor([0, 2])


@pytest.mark.parametrize("base", [1.0, 0.5, 0.0, -2.0, math.inf, math.nan])
def test_a_base_that_is_not_above_1_is_refused(base: float) -> None:
    message = rf"^base must be a number > 1, got {base}$"
    for function in (cross_entropy, reverse_cross_entropy, reverse_kl):
        with pytest.raises(ValueError, match=message):
            function(LOGITS, INDICES, base=base)
    with pytest.raises(ValueError, match=message):
        entropy(LOGITS, base=base)


@pytest.mark.parametrize("function", [reverse_cross_entropy, reverse_kl, entropy_regularized, terms])
@pytest.mark.parametrize("eps", [0.0, 1.0, -0.1, 2.0, math.nan])
def test_eps_outside_0_and_1_is_refused(function, eps: float) -> None:
    with pytest.raises(ValueError, match=rf"^eps must lie strictly between 0 and 1, got {eps}$"):
        function(LOGITS, INDICES, eps=eps)


@functions
@pytest.mark.parametrize(
    ("logits", "target", "message"),
    [
        (LOGITS.long(), INDICES, r"^logits must be floating point, got torch\.int64$"),
        (LOGITS, INDICES.int(), r"^class indices must be int64, got torch\.int32$"),
        (LOGITS, INDICES > 0, r"^class indices must be int64, got torch\.bool$"),
        (LOGITS, INDICES[:1], r"^class indices for logits \(2, 3\) must have shape \(2,\), got \(1,\)$"),
        (
            LOGITS,
            INDICES[:, None],
            r"^class indices for logits \(2, 3\) must have shape \(2,\), got \(2, 1\)$",
        ),
        (LOGITS[0], INDICES, r"^class indices for logits \(3,\) must have shape \(\), got \(2,\)$"),
        (
            torch.zeros(2, 3, 4),
            INDICES,
            r"^class indices for logits \(2, 3, 4\) must have shape \(2, 4\), got",
        ),
        (
            LOGITS,
            torch.ones(2, 4),
            r"^probabilities must have the shape of the logits, got \(2, 4\) for \(2, 3\)$",
        ),
        (
            LOGITS,
            torch.ones(2),
            r"^probabilities must have the shape of the logits, got \(2,\) for \(2, 3\)$",
        ),
    ],
)
def test_shapes_and_dtypes_that_do_not_fit_are_refused(
    name: str, logits: torch.Tensor, target: torch.Tensor, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        FUNCTIONS[name][0](logits, target)


def test_an_unknown_reduction_is_refused() -> None:
    message = r"^reduction must be 'none', 'mean' or 'sum', got 'max'$"
    for function, _, _ in FUNCTIONS.values():
        with pytest.raises(ValueError, match=message):
            function(LOGITS, INDICES, reduction="max")
    with pytest.raises(ValueError, match=message):
        entropy(LOGITS, reduction="max")
