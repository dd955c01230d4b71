"""The Triton kernels, run by Triton's interpreter on a CPU, against the plain form in float64."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

import pytest
import torch
from hypothesis import Phase, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

pytest.importorskip("triton")

from entreg.losses import Coefficients, EntropyRegularizedLoss, MinEntLoss, MixEntLoss, Term, choice, launch, plans
from entreg.losses.functional import entropy_regularized

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning:triton.*")  # 0 * inf, which is then masked
COEFFICIENTS = (
    {"ce": 1.0},
    {"ce": 0.7, "entropy": 0.4},
    {"ce": 0.3, "rce": 0.5},
    {"ce": 0.7, "entropy": -0.4, "kl": 1},
)


@pytest.fixture(autouse=True)
def as_kernels(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take a CPU for a GPU, and several blocks of classes and samples for one."""
    monkeypatch.setattr(choice, "_runs_as_kernels", launch.fits)
    monkeypatch.setattr(plans, "LARGEST_BLOCK", 4)
    plans.plan.cache_clear()
    yield
    plans.plan.cache_clear()


def sample(classes: int, soft: bool, ignored: bool, seed: int = 0, samples: int = 6) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = 3 * torch.randn(samples, classes, generator=generator)
    if soft:
        return logits, torch.randn(samples, classes, generator=generator).mul(3).softmax(1)
    target = torch.randint(classes, (samples,), generator=generator)
    if ignored:
        target[1] = -100
    return logits, target


def value_and_gradients(
    logits: Tensor, target: Tensor, dtype: torch.dtype, coefficients: dict[str, float], learnt: bool, options: Any
) -> list[Tensor]:
    """Value, and gradients for the logits and the coefficients; in float64 of the plain form."""
    wide = dtype == torch.float64
    leaf = logits.to(dtype).requires_grad_()
    target = target.to(dtype) if target.is_floating_point() and wide else target
    scale = torch.float64 if wide else torch.float32
    given = {
        name: torch.tensor(c, dtype=scale, requires_grad=True) if learnt else c for name, c in coefficients.items()
    }
    weight = options.get("weight")
    options = options if weight is None else options | {"weight": weight.to(scale)}
    value = entropy_regularized(leaf, target, **given, **options, fused=not wide)
    leaves = [leaf, *given.values()] if learnt else [leaf]
    slope = torch.linspace(0.1, 1, value.numel(), dtype=value.dtype) if value.ndim else None
    return [value.detach(), *torch.autograd.grad(value, leaves, slope)]


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.generate])  # to shrink takes minutes
@given(
    classes=st.integers(1, 11),
    soft=st.booleans(),
    weighted=st.booleans(),
    smoothing=st.sampled_from([0.0, 0.1]),
    unlabelled=st.booleans(),
    reduction=st.sampled_from(["none", "mean", "sum"]),
    coefficients=st.sampled_from(COEFFICIENTS),
    learnt=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_kernels_are_the_plain_form_in_float64(
    classes: int, soft: bool, weighted: bool, smoothing: float, unlabelled: bool, reduction: str,
    coefficients: dict[str, float], learnt: bool, seed: int,
) -> None:  # fmt: skip
    logits, target = sample(classes, soft, ignored=True, seed=seed)
    weight = torch.linspace(0.5, 2.0, classes) if weighted else None
    options = {"weight": weight, "label_smoothing": smoothing, "unlabelled": unlabelled, "reduction": reduction}
    found = value_and_gradients(logits, target, torch.float32, coefficients, learnt, options)
    expected = value_and_gradients(logits, target, torch.float64, coefficients, learnt, options)
    for got, want in zip(found, expected, strict=True):
        scale = max(1.0, want.abs().max().item())
        torch.testing.assert_close(got.double() / scale, want / scale, rtol=1e-4, atol=3e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("soft", [False, True])
def test_half_logits_are_computed_and_returned_in_float32(dtype: torch.dtype, soft: bool) -> None:
    logits, target = sample(9, soft, ignored=False)
    logits = logits.to(dtype)
    found = value_and_gradients(logits, target, dtype, COEFFICIENTS[2], True, {})
    expected = value_and_gradients(logits, target, torch.float64, COEFFICIENTS[2], True, {})
    assert [part.dtype for part in found] == [torch.float32, dtype, torch.float32, torch.float32]
    torch.testing.assert_close(found[0].double(), expected[0], rtol=1e-5, atol=1e-5)
    for got, want in zip(found[1:], expected[1:], strict=True):
        torch.testing.assert_close(got.double(), want, rtol=torch.finfo(dtype).eps, atol=1e-4)


def test_the_logits_are_left_alone_and_rows_may_lie_apart() -> None:
    whole = torch.randn(5, 12, generator=torch.Generator().manual_seed(0))
    before, target = whole.clone(), torch.arange(5)
    logits = whole[:, 2:9].requires_grad_()
    loss = entropy_regularized(logits, target, ce=0.5, entropy=0.5)
    loss.backward()
    assert torch.equal(whole, before)
    dense = before[:, 2:9].clone().requires_grad_()
    entropy_regularized(dense, target, ce=0.5, entropy=0.5, fused=False).backward()
    torch.testing.assert_close(logits.grad, dense.grad)


def test_minus_infinity_is_fine_for_classes_that_are_not_the_target() -> None:
    logits, target = sample(9, False, ignored=False)
    logits[torch.arange(6), (target + 1) % 9] = -math.inf
    logits[2, :4] = -math.inf  # a whole block, the first one
    target[2] = 5
    for coefficients in COEFFICIENTS[:3]:
        found = value_and_gradients(logits, target, torch.float32, coefficients, True, {})
        expected = value_and_gradients(logits, target, torch.float64, coefficients, True, {})
        for got, want in zip(found, expected, strict=True):
            torch.testing.assert_close(got.double(), want, rtol=1e-5, atol=1e-6)


def test_nan_and_a_target_of_probability_0_show() -> None:
    logits, target = sample(9, False, ignored=False)
    logits[3, 8] = math.nan
    values = entropy_regularized(logits, target, ce=0.5, entropy=0.5, reduction="none")
    assert values.isnan().tolist() == [False, False, False, True, False, False]
    logits[3, 8], logits[3, target[3]] = 0.0, -math.inf
    assert entropy_regularized(logits, target, reduction="none")[3] == math.inf


def test_an_index_that_is_no_class_gives_nan() -> None:
    logits, target = sample(9, False, ignored=False)
    target[1], target[4] = 9, -1
    for coefficients in COEFFICIENTS:
        values = entropy_regularized(logits, target, **coefficients, reduction="none", validate_args=False)
        assert values.isnan().tolist() == [False, True, False, False, True, False]


def test_large_logits_do_not_overflow() -> None:
    logits = torch.tensor([[1e4, -1e4, 1e4 - 1, 0.0, 5.0]])
    found = value_and_gradients(logits, torch.tensor([2]), torch.float32, COEFFICIENTS[1], True, {})
    expected = value_and_gradients(logits, torch.tensor([2]), torch.float64, COEFFICIENTS[1], True, {})
    for got, want in zip(found, expected, strict=True):
        torch.testing.assert_close(got.double(), want, rtol=1e-4, atol=1e-5)


LOSSES: dict[str, Callable[[], nn.Module]] = {
    "mix_ent": MixEntLoss,
    "min_ent": MinEntLoss,
    "fixed": lambda: MixEntLoss(constraint="fixed", learn_bases=False),
    "free": lambda: MinEntLoss(constraint="free", reduction="sum"),
    "exp": lambda: MixEntLoss(constraint="exp", weight=[0.5, 1, 2, 1, 1, 1, 1, 1, 1]),
    "softplus": lambda: MinEntLoss(constraint="softplus", label_smoothing=0.1),
    "three terms, partly learnt": lambda: EntropyRegularizedLoss(
        ce=Term(0.7, 3.0, learn_weight=False), entropy=Term(0.4, 5.0, learn_base=False), rce=Term(0.2, 1.00001)
    ),
    "one term": lambda: EntropyRegularizedLoss(ce=Term(0.7, 3.0)),
}
APART: dict[str, Callable[[], nn.Module]] = {
    "joint": lambda: MixEntLoss(constraint="softmax", learn_bases=False),
    "scheduled": lambda: EntropyRegularizedLoss(entropy=Term(0.4, schedule="grow")),
    "of each class": lambda: MixEntLoss(per_class_bases=9),
    "each sample": lambda: MixEntLoss(reduction="none"),
    "unlabelled": lambda: MixEntLoss(unlabelled=True),
    "divergence": lambda: EntropyRegularizedLoss(kl=Term(0.4)),
}


def one_node(value: Tensor) -> bool:
    """Whether a loss follows from the parameters of its coefficients in one step."""
    after = [node for node, _ in value.grad_fn.next_functions if node is not None]
    return all(type(node).__name__ == "AccumulateGrad" for node in after)


@pytest.mark.parametrize("soft", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_kernels_compute_coefficients_and_the_gradients_of_their_parameters(name: str, soft: bool) -> None:
    logits, target = sample(9, soft, ignored=True)
    ours, plain = LOSSES[name](), LOSSES[name]().double()
    value = ours(logits.requires_grad_(), target)
    assert one_node(value)
    (3 * value).backward()
    wide = logits.detach().double().requires_grad_()
    expected = plain(wide, target.double() if soft else target)
    (3 * expected).backward()
    torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-6)
    for got, want in itertools.chain([(logits, wide)], zip(ours.parameters(), plain.parameters(), strict=True)):
        torch.testing.assert_close(got.grad.double(), want.grad, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["mix_ent", "min_ent", "fixed", "of each class"])
def test_a_batch_of_ignored_samples_alone_has_no_mean_and_changes_nothing(name: str) -> None:
    logits, loss = torch.randn(4, 9, requires_grad=True), (LOSSES | APART)[name]()
    value = loss(logits, torch.full((4,), -100))
    assert value.isnan()
    gradients = torch.autograd.grad(value, [logits, *loss.parameters()])
    assert all((gradient == 0).all() for gradient in gradients)


def test_a_frozen_weight_is_left_alone() -> None:
    logits, target = sample(9, False, ignored=False)
    ours, free = MixEntLoss(), MixEntLoss()
    ours.coefficients.weight.learnt.requires_grad_(False)
    for loss in (ours, free):
        loss(logits, target).backward()
    assert ours.coefficients.weight.learnt.grad is None
    assert torch.equal(ours.coefficients.log_base.learnt.grad, free.coefficients.log_base.learnt.grad)


@pytest.mark.parametrize("name", APART)
def test_coefficients_that_are_less_simple_are_computed_apart(name: str) -> None:
    logits, target = sample(9, False, ignored=False)
    ours, plain = APART[name](), APART[name]().double()
    value = ours(logits.requires_grad_(), target)
    assert not one_node(value)
    value.mean().backward()
    wide = logits.detach().double().requires_grad_()
    plain(wide, target).mean().backward()
    for got, want in itertools.chain([(logits, wide)], zip(ours.parameters(), plain.parameters(), strict=True)):
        torch.testing.assert_close(got.grad.double(), want.grad, rtol=1e-4, atol=1e-5)


@settings(max_examples=30, deadline=None, phases=[Phase.explicit, Phase.generate])
@given(raw=st.floats(-30, 30), constraint=st.sampled_from(["free", "square", "exp", "softplus"]))
def test_kernels_map_parameters_as_the_module_does(raw: float, constraint: str) -> None:
    logits, target = sample(5, False, ignored=False)
    ours = EntropyRegularizedLoss(ce=Term(0.7, 3.0), constraint=constraint)
    for parameter in ours.parameters():
        nn.init.constant_(parameter, raw)
    plain = deepcopy(ours).double()
    value, expected = ours(logits, target), plain(logits.double(), target)
    torch.testing.assert_close(value.double(), expected, rtol=1e-4, atol=1e-30)
    value.backward()
    expected.backward()
    for got, want in zip(ours.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(got.grad.double(), want.grad, rtol=1e-3, atol=1e-30)


def test_losses_are_loaded_with_their_fixed_numbers() -> None:
    logits, target = sample(9, False, ignored=False)
    fixed = {"constraint": "fixed", "learn_bases": False}
    ours, other = MixEntLoss(**fixed), MixEntLoss(0.5, 2.0, **fixed)
    ours.load_state_dict(other.state_dict())
    assert ours(logits, target) == other(logits, target)


def test_transforms_differentiate_parameters_too() -> None:
    logits, target = sample(9, False, ignored=False)
    loss = MixEntLoss()
    parameters = {name: parameter.detach() for name, parameter in loss.named_parameters()}

    def of(values: dict[str, Tensor]) -> Tensor:
        return torch.func.functional_call(loss, values, (logits, target))

    loss(logits, target).backward()
    for name, got in torch.func.grad(of)(parameters).items():
        torch.testing.assert_close(got, loss.get_parameter(name).grad, rtol=1e-4, atol=1e-6)
    curvature = torch.func.hessian(of)(parameters)["coefficients.weight.learnt"]["coefficients.weight.learnt"]
    assert torch.equal(curvature, curvature.diag().diag())  # each weight is squared, and nothing else


def test_a_subclass_that_computes_coefficients_otherwise_is_asked_for_them() -> None:
    class Doubled(Coefficients):
        def forward(self) -> tuple[dict[str, Tensor], Tensor | float]:
            coefficients, penalty = super().forward()
            return {term: 2 * c for term, c in coefficients.items()}, penalty

    logits, target = sample(9, False, ignored=False)
    ours, doubled = MixEntLoss(), MixEntLoss()
    doubled.coefficients = Doubled({"ce": Term(0.5), "rce": Term(0.2)})
    ours.coefficients = Coefficients({"ce": Term(1.0), "rce": Term(0.4)})
    torch.testing.assert_close(doubled(logits, target), ours(logits, target))


def test_many_samples_are_summed_by_many_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    logits, target = sample(9, False, ignored=True)
    monkeypatch.setattr(launch, "FEW", 3)
    for reduction in ("mean", "sum"):
        options = {"reduction": reduction}
        expected = value_and_gradients(logits, target, torch.float64, COEFFICIENTS[2], True, options)
        found = value_and_gradients(logits, target, torch.float32, COEFFICIENTS[2], True, options)
        for got, want in zip(found, expected, strict=True):
            torch.testing.assert_close(got.double(), want, rtol=1e-4, atol=1e-5)
    assert not one_node(MixEntLoss()(logits, target))


@pytest.mark.parametrize(
    ("shape", "dtype"), [((2, 3, 4), torch.float32), ((2, 3), torch.float64), ((0, 3), torch.float32)]
)
def test_what_kernels_do_not_take_is_computed_block_by_block(shape: tuple[int, ...], dtype: torch.dtype) -> None:
    logits = torch.randn(shape, dtype=dtype)
    assert not launch.fits(logits, torch.zeros((shape[0], *shape[2:]), dtype=torch.long))
    assert not launch.fits(torch.randn(3, 2).T, torch.zeros(2, dtype=torch.long))


def test_double_backward_is_that_of_the_plain_form() -> None:
    logits, target = sample(5, False, ignored=False)
    found = []
    for fused_form in (True, False):
        leaf = logits.clone().requires_grad_()
        loss = entropy_regularized(leaf, target, ce=0.5, entropy=0.5, fused=fused_form)
        (gradient,) = torch.autograd.grad(loss, leaf, create_graph=True)
        found.append(torch.autograd.grad(gradient.square().sum(), leaf)[0])
    torch.testing.assert_close(*found)
