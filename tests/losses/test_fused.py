"""The loss with its gradient in closed form against the plain form, which autograd differentiates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.autograd import forward_ad
from torch.utils.checkpoint import checkpoint

from entreg.losses import MinEntLoss, MixEntLoss, choice, closed_form
from entreg.losses.choice import WORTHWHILE
from entreg.losses.functional import entropy_regularized

NODE = "FusedLossBackward"
REDUCTIONS = ["none", "mean", "sum"]
CLASSES = 4
COEFFICIENTS = {"ce": 0.7, "entropy": -0.4, "kl": 1.3, "rce": 0.6}
# Each needs other parts of the closed form: kind of target, class weights or none, and what else.
PATHS: dict[str, tuple[str, bool, dict[str, Any]]] = {
    "ce": ("hard", False, {}),
    "weighted_ce": ("hard", True, {}),
    "min_ent": ("hard", False, {"entropy": 0.4}),
    "mix_ent": ("hard", True, {"rce": 0.4}),
    "family": ("hard", True, COEFFICIENTS),
    "smoothed": ("hard", True, COEFFICIENTS | {"label_smoothing": 0.1}),
    "unlabelled": ("hard", False, COEFFICIENTS | {"unlabelled": True}),
    "soft_ce": ("soft", False, {}),
    "soft_mix_ent": ("soft", False, {"rce": 0.4}),
    "soft": ("soft", True, COEFFICIENTS),
}
HARD = [path for path, (kind, *_) in PATHS.items() if kind == "hard"]
paths = pytest.mark.parametrize("path", PATHS)
few_paths = pytest.mark.parametrize("path", ["family", "unlabelled", "soft"])
equal = partial(torch.testing.assert_close, rtol=1e-12, atol=1e-12)


@pytest.fixture
def several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(closed_form, "_CPU_BLOCK", 2 * CLASSES)


@pytest.fixture
def always_worthwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "WORTHWHILE", 1)


def sample(target_kind: str, *shape: int, seed: int = 4) -> tuple[Tensor, Tensor]:
    """Logits and a target; of several samples with indices the second is ignored."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(shape, generator=generator, dtype=torch.float64) * 2
    if target_kind == "soft":
        return logits, torch.randn(shape, generator=generator, dtype=torch.float64).softmax(1)
    target = torch.randint(shape[1], (shape[0], *shape[2:]), generator=generator)
    target[1:2] = -100
    return logits, target


def of_path(path: str, *shape: int) -> tuple[Tensor, Callable[..., Tensor]]:
    """Logits and the loss as a function of them."""
    kind, weighted, options = PATHS[path]
    logits, target = sample(kind, *(shape or (5, CLASSES)))
    weight = torch.linspace(0.5, 2.0, logits.shape[1], dtype=torch.float64)
    return logits, partial(entropy_regularized, target=target, weight=weight if weighted else None, **options)


def gradients(loss: Tensor, *leaves: Tensor) -> tuple[Tensor, ...]:
    """Gradients of a loss, weighted unevenly where it has a value for each sample."""
    slope = torch.linspace(0.1, 1, loss.numel(), dtype=loss.dtype).reshape(loss.shape)
    return torch.autograd.grad(loss, leaves, slope if loss.ndim else None, retain_graph=True)


@dataclass(frozen=True)
class Call:
    """Arguments of a loss; a coefficient that is a tensor needs a gradient."""

    logits: Tensor
    target: Tensor
    options: dict[str, Any]
    block: int

    def evaluate(self, dtype: torch.dtype, fused: bool) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Value and gradients for the logits and the coefficients."""
        logits = self.logits.to(dtype).requires_grad_()
        target = self.target.to(dtype) if self.target.is_floating_point() else self.target
        options = {k: v.to(dtype) if isinstance(v, Tensor) else v for k, v in self.options.items()}
        leaves = [v.requires_grad_() for k, v in options.items() if isinstance(v, Tensor) and k != "weight"]
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(closed_form, "_CPU_BLOCK", self.block)
            loss = entropy_regularized(logits, target, **options, fused=fused)
            return loss.detach(), gradients(loss, logits, *leaves)


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Any kind of call, its numbers random normal."""
    generator = torch.Generator().manual_seed(draw(st.integers(0, 2**32)))
    classes = draw(st.integers(2, 7))
    samples = draw(st.sampled_from([(), (1,), (6,), (4, 3), (3, 2, 2)]))
    shape = (*samples[:1], classes, *samples[1:])
    logits = torch.randn(shape, generator=generator, dtype=torch.float64) * 2
    ignore_index = draw(st.sampled_from([-100, 1, 99]))
    if draw(st.booleans()):
        target = torch.randn(shape, generator=generator, dtype=torch.float64).mul(3).softmax(1 if samples else 0)
    else:
        target = torch.randint(classes, samples, generator=generator)
        ignored = torch.rand(samples, generator=generator) < draw(st.sampled_from([0.0, 0.3]))
        target = torch.where(ignored, ignore_index, target)
        target.view(-1)[:1] = 0
    starts = {"ce": 0.7, "entropy": -0.3, "kl": 0.4, "rce": 0.2, "penalty": 0.1}
    options: dict[str, Any] = {
        name: draw(st.sampled_from([value, torch.tensor(value), 0.0])) for name, value in starts.items()
    }
    assume(any(isinstance(options[name], Tensor) or options[name] for name in ("ce", "entropy", "kl", "rce")))
    weights = 0.2 + 0.8 * torch.rand(classes, generator=generator, dtype=torch.float64)
    options |= {
        "weight": draw(st.sampled_from([None, weights])),
        "eps": draw(st.sampled_from([1e-3, math.exp(-4)])),
        "ignore_index": ignore_index,
        "label_smoothing": draw(st.sampled_from([0.0, 0.1, 1.0])),
        "unlabelled": draw(st.booleans()),
        "reduction": draw(st.sampled_from(REDUCTIONS)),
    }
    return Call(logits, target, options, block=draw(st.sampled_from([1, 2 * classes, 2**20])))


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 1e-12), (torch.float32, 1e-6)], ids=str)
@settings(max_examples=150, deadline=None)
@given(call=calls())
def test_value_and_gradients_are_those_of_the_plain_form(call: Call, dtype: torch.dtype, tolerance: float) -> None:
    (value, got), (plain, want) = (call.evaluate(dtype, fused) for fused in (True, False))
    torch.testing.assert_close(value, plain, rtol=tolerance, atol=tolerance)
    assert len(got) == len(want)
    for ours, theirs in zip(got, want, strict=True):
        # Relative to the largest entry of the gradient, or to 1, the size of its parts, where these cancel.
        scale = max(1.0, theirs.abs().max().item())
        torch.testing.assert_close(ours, theirs, rtol=0, atol=tolerance * scale)


@paths
def test_blocks_make_no_difference(path: str, several_blocks: None) -> None:
    for trailing, reduction in product(((), (3,), (2, 1, 2)), REDUCTIONS):
        logits, loss = of_path(path, 7, CLASSES, *trailing)
        values = [loss(logits.requires_grad_(), reduction=reduction, fused=fused) for fused in (True, False)]
        equal(*values)
        equal(*(gradients(value, logits) for value in values))


LAYOUTS: dict[str, Callable[[Tensor], Tensor]] = {
    "channels_last": lambda values: values.to(memory_format=torch.channels_last),
    "transposed": lambda values: values[:, :, 0, 0].T.contiguous().T,
    "classes_last": lambda values: values.movedim(1, -1).contiguous().movedim(-1, 1),
    "batch_last": lambda values: values.movedim(0, -1).contiguous().movedim(-1, 0),
    "every_other": lambda values: values.repeat_interleave(2, 1)[:, ::2],
    "expanded": lambda values: values[:1].expand(5, CLASSES, 3, 2),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_logits_of_any_memory_layout(layout: str, several_blocks: None) -> None:
    logits, _ = sample("hard", 5, CLASSES, 3, 2)
    leaf = LAYOUTS[layout](logits).requires_grad_()
    target = torch.arange(5).remainder(CLASSES).view(5, *[1] * (leaf.ndim - 2)).expand(5, *leaf.shape[2:])
    assert not leaf.is_contiguous()
    for label_smoothing in (0.0, 0.1):
        loss = partial(entropy_regularized, leaf, target, **COEFFICIENTS, label_smoothing=label_smoothing)
        equal(gradients(loss(fused=True), leaf), gradients(loss(fused=False), leaf))


@paths
def test_half_precision_logits_get_a_gradient_of_their_own_dtype(path: str, several_blocks: None) -> None:
    logits, loss = of_path(path)
    for dtype in (torch.float16, torch.bfloat16):
        half = logits.to(dtype).requires_grad_()
        value, plain = loss(half, fused=True), loss(half, fused=False)
        assert value.dtype == torch.float32
        torch.testing.assert_close(value, plain)
        (got,), (want,) = gradients(value, half), gradients(plain, half)
        assert got.dtype == dtype
        torch.testing.assert_close(got, want, rtol=torch.finfo(dtype).eps, atol=1e-6)


@pytest.mark.parametrize("path", [path for path in PATHS if path != "smoothed"])
def test_logits_of_minus_infinity_get_a_gradient_of_0(path: str, several_blocks: None) -> None:
    kind, _, options = PATHS[path]
    logits = torch.tensor([[0.5, -math.inf, 2.0], [9.0, 1.0, -math.inf], [-math.inf, 1.0, -math.inf]])
    possible = logits > -math.inf
    target = torch.tensor([2, -100, 1]) if kind == "hard" else possible / possible.sum(1, keepdim=True)
    for dtype in (torch.float64, torch.bfloat16):
        leaf = logits.to(dtype).requires_grad_()
        losses = [entropy_regularized(leaf, target, **options, fused=fused) for fused in (True, False)]
        (got,), (want,) = (gradients(loss, leaf) for loss in losses)
        assert got.isfinite().all()
        assert (got[~possible] == 0).all()
        torch.testing.assert_close(got, want)


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("label_smoothing", [0.0, 0.1])
def test_a_cross_entropy_that_is_switched_off_may_be_infinite(fused: bool, label_smoothing: float) -> None:
    logits = torch.tensor([[0.5, -math.inf, 2.0]], dtype=torch.float64, requires_grad=True)
    options = {"rce": 0.4, "label_smoothing": label_smoothing, "fused": fused}
    value = entropy_regularized(logits, torch.tensor([1]), ce=0.0, **options)
    log_q = math.log(max(1e-6, label_smoothing / 3))
    torch.testing.assert_close(value, torch.tensor(-0.4 * log_q).double())
    (gradient,) = gradients(value, logits)
    torch.testing.assert_close(gradient, torch.zeros_like(gradient))


@pytest.mark.parametrize("path", HARD)
def test_nothing_but_ignored_samples(path: str, several_blocks: None) -> None:
    options = PATHS[path][2]
    logits, target = sample("hard", 5, CLASSES)
    coefficient = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    leaves = logits.requires_grad_(), coefficient
    for reduction, weight in product(REDUCTIONS, (None, torch.full((CLASSES,), 2.0, dtype=torch.float64))):
        loss = partial(entropy_regularized, logits, torch.full_like(target, -100), weight=weight, reduction=reduction)
        got, want = (loss(**options | {"ce": coefficient}, fused=f) for f in (True, False))
        equal(got, want, equal_nan=True)
        equal(gradients(got, *leaves), gradients(want, *leaves), equal_nan=True)
        if not options.get("unlabelled"):
            assert got.isnan() if reduction == "mean" else (got == 0).all()
            assert (gradients(got, logits)[0] == 0).all()


@few_paths
def test_an_empty_batch(path: str) -> None:
    for shape, reduction in product(((0, CLASSES), (0, CLASSES, 3), (2, CLASSES, 0)), REDUCTIONS):
        logits, loss = of_path(path, *shape)
        got, want = (loss(logits.requires_grad_(), reduction=reduction, fused=f) for f in (True, False))
        equal(got, want, equal_nan=True)
        (gradient,) = gradients(got, logits)
        assert gradient.shape == shape


@few_paths
def test_a_second_backward_pass_gives_the_same_gradient(path: str, several_blocks: None) -> None:
    logits, loss = of_path(path)
    coefficient = torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    value = loss(logits.requires_grad_(), ce=coefficient, fused=True)
    saved = [tensor for tensor in value.grad_fn.saved_tensors if tensor is not None]
    copies = [tensor.detach().clone() for tensor in saved]
    first = torch.autograd.grad(value, (logits, coefficient), retain_graph=True)
    kept = [gradient.clone() for gradient in first]
    second = torch.autograd.grad(value, (logits, coefficient))
    for one, copy, two in zip(first, kept, second, strict=True):
        torch.testing.assert_close(one, copy, rtol=0, atol=0)
        torch.testing.assert_close(two, copy, rtol=0, atol=0)
    for tensor, copy in zip(saved, copies, strict=True):
        torch.testing.assert_close(tensor.detach(), copy, rtol=0, atol=0)


@few_paths
def test_nothing_of_the_size_of_the_logits_is_kept_but_what_was_given(path: str) -> None:
    logits, loss = of_path(path)
    given = {logits.data_ptr(), loss.keywords["target"].data_ptr()}
    value = loss(logits.requires_grad_(), fused=True)
    kept = [tensor for tensor in value.grad_fn.saved_tensors if tensor is not None and len(tensor) == len(logits)]
    assert {tensor.data_ptr() for tensor in kept if tensor.data_ptr() not in given and tensor.ndim > 1} == set()
    assert given <= {tensor.data_ptr() for tensor in kept}


def test_logits_changed_in_place_before_the_backward_pass_are_noticed() -> None:
    logits, loss = of_path("family")
    changed = logits.requires_grad_() * 1
    value = loss(changed, fused=True)
    changed += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        value.backward()


@pytest.mark.parametrize("fused", [False, True])
def test_a_loss_without_any_term_has_a_gradient_of_0(fused: bool) -> None:
    for path in ("ce", "soft_ce"):
        logits, loss = of_path(path)
        value = loss(logits.requires_grad_(), ce=0.0, fused=fused)
        assert value == 0
        assert (gradients(value, logits)[0] == 0).all()


def test_only_what_needs_a_gradient_gets_one() -> None:
    logits, loss = of_path("min_ent")
    assert not loss(logits, fused=True).requires_grad
    coefficient = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)
    (got,), (want,) = (gradients(loss(logits, entropy=coefficient, fused=f), coefficient) for f in (True, False))
    equal(got, want)


@pytest.mark.parametrize("path", ["ce", "min_ent", "mix_ent", "soft"])
def test_coefficients_may_be_wider_than_the_logits(path: str) -> None:
    logits, loss = of_path(path)
    leaves = logits.float().requires_grad_(), torch.tensor(0.7, dtype=torch.float64, requires_grad=True)
    for reduction in REDUCTIONS:
        losses = [loss(leaves[0], ce=leaves[1], reduction=reduction, fused=fused) for fused in (True, False)]
        got, want = (gradients(value, *leaves) for value in losses)
        assert [gradient.dtype for gradient in got] == [torch.float32, torch.float64]
        torch.testing.assert_close(got, want)


@few_paths
@pytest.mark.parametrize("reduction", ["none", "mean"])
def test_a_gradient_penalty_is_that_of_the_plain_form(path: str, reduction: str, several_blocks: None) -> None:
    logits, loss = of_path(path)
    results = []
    for fused in (True, False):
        leaves = [logits.clone().requires_grad_(), torch.tensor(0.7, dtype=torch.float64, requires_grad=True)]
        value = loss(leaves[0], ce=leaves[1], reduction=reduction, fused=fused).sum()
        first = torch.autograd.grad(value, leaves, create_graph=True)
        total = value + sum(gradient.square().sum() for gradient in first)
        total.backward()
        results.append([*first, total, *(leaf.grad for leaf in leaves)])
    equal(*results)
    assert results[0][-2].abs().max() > 1e-3


@few_paths
def test_first_and_second_derivative_are_those_of_the_value(path: str) -> None:
    logits, loss = of_path(path, 3, 3)
    coefficients = [torch.tensor(c, dtype=torch.float64, requires_grad=True) for c in (0.7, 0.4)]

    def value(z: Tensor, ce: Tensor, entropy: Tensor) -> Tensor:
        return loss(z, ce=ce, entropy=entropy, reduction="none", fused=True)

    leaves = (logits.requires_grad_(), *coefficients)
    assert torch.autograd.gradcheck(value, leaves)
    assert torch.autograd.gradgradcheck(value, leaves)


def each_sample(loss: Callable[..., Tensor], logits: Tensor) -> Tensor:
    target = loss.keywords["target"]
    return torch.func.vmap(torch.func.grad(lambda z, y: loss(z, target=y, reduction="sum")))(logits, target)


def pushed(loss: Callable[..., Tensor], logits: Tensor) -> Tensor:
    values = torch.func.jvp(lambda z, c: loss(z, ce=c), (logits, torch.ones(())), (logits.cos(), torch.tensor(0.3)))
    return torch.stack(values)


def with_dual_numbers(loss: Callable[..., Tensor], logits: Tensor) -> Tensor:
    with forward_ad.dual_level():
        return forward_ad.unpack_dual(loss(forward_ad.make_dual(logits, logits.cos()))).tangent


TRANSFORMS: dict[str, Callable[[Callable[..., Tensor], Tensor], Tensor]] = {
    "grad": lambda loss, z: torch.func.grad(loss)(z),
    "gradient_for_a_coefficient": lambda loss, z: torch.func.grad(lambda c: loss(z, ce=c))(torch.ones(())),
    "gradient_of_each_sample": each_sample,
    "jacrev": lambda loss, z: torch.func.jacrev(partial(loss, reduction="none"))(z),
    "jacfwd": lambda loss, z: torch.func.jacfwd(partial(loss, reduction="none"))(z),
    "hessian": lambda loss, z: torch.func.hessian(loss)(z),
    "jvp": pushed,
    "forward_mode": with_dual_numbers,
    "vectorized_jacobian": lambda loss, z: torch.autograd.functional.jacobian(
        partial(loss, reduction="none"), z, vectorize=True
    ),
    "vmap": lambda loss, z: torch.func.vmap(loss)(torch.stack([z, z.cos()])),
    "vmap_of_a_last_dimension": lambda loss, z: torch.func.vmap(loss, in_dims=2)(torch.stack([z, z.cos()], 2)),
    "vmap_of_a_coefficient": lambda loss, z: torch.func.vmap(lambda c: loss(z, ce=c))(torch.tensor([1.0, 0.5])),
}


@pytest.mark.parametrize("path", ["family", "soft"])
@pytest.mark.parametrize("transform", TRANSFORMS)
def test_transforms_give_what_they_give_of_the_plain_form(transform: str, path: str, several_blocks: None) -> None:
    logits, loss = of_path(path, 3, CLASSES)
    got, want = (TRANSFORMS[transform](partial(loss, fused=fused), logits) for fused in (True, False))
    assert want.abs().max() > 1e-3
    equal(got, want)


@pytest.mark.parametrize("use_reentrant", [False, True])
def test_a_loss_can_be_checkpointed(use_reentrant: bool) -> None:
    logits, loss = of_path("family")
    logits.requires_grad_()
    checkpoint(partial(loss, fused=True), logits, use_reentrant=use_reentrant).backward()
    equal(logits.grad, gradients(loss(logits, fused=False), logits)[0])


def test_class_coefficients_have_their_effect() -> None:
    logits, loss = of_path("min_ent")
    each = torch.tensor([0.5, 1.0, 2.0, 3.0], dtype=torch.float64, requires_grad=True)
    leaves = logits.requires_grad_(), each
    got, want = (loss(logits, ce=each, fused=f) for f in (True, False))
    equal(got, want)
    equal(gradients(got, *leaves), gradients(want, *leaves))


@pytest.mark.parametrize("options", [{}, {"fused": True}], ids=["by_size", "asked_for"])
@pytest.mark.parametrize("name", ["target", "weight"])
def test_target_and_class_weights_get_their_gradient(name: str, options: dict, always_worthwhile: None) -> None:
    logits, loss = of_path("soft")
    leaf = loss.keywords[name].requires_grad_()
    got, want = (gradients(loss(logits, **o), leaf)[0] for o in (options, {"fused": False}))
    assert want.abs().max() > 1e-3
    equal(got, want)


@pytest.mark.parametrize("name", ["target", "weight"])
def test_tangents_of_target_and_class_weights_are_pushed_through(name: str, always_worthwhile: None) -> None:
    logits, loss = of_path("soft")
    given = loss.keywords[name]
    results = [
        torch.func.jvp(lambda x, o=options: loss(logits, **{name: x}, **o), (given,), (given.cos(),))[1]
        for options in ({}, {"fused": False})
    ]
    assert results[1].abs() > 1e-3
    equal(*results)


def nodes(loss: Tensor) -> set[str]:
    """Names of the nodes of a graph."""
    found, names = [loss.grad_fn], set()
    while found:
        node = found.pop()
        names.add(node.name())
        found += [parent for parent, _ in node.next_functions if parent is not None]
    return names


def large(classes: int = 64, below: int = 0) -> tuple[Tensor, Tensor]:
    """As many logits as make the closed form worthwhile, or that many samples fewer."""
    generator = torch.Generator().manual_seed(6)
    logits = torch.randn(WORTHWHILE // classes - below, classes, generator=generator)
    return logits.requires_grad_(), torch.randint(classes, (len(logits),), generator=generator)


def test_the_closed_form_is_chosen_where_logits_are_many() -> None:
    for options in ({}, {"entropy": 0.1}, {"rce": 0.1, "label_smoothing": 0.1}, {"unlabelled": True, "penalty": 0.1}):
        assert NODE in nodes(entropy_regularized(*large(), **options))
        assert NODE not in nodes(entropy_regularized(*large(below=1), **options))
        assert NODE in nodes(entropy_regularized(*large(below=1), **options, fused=True))
        assert NODE not in nodes(entropy_regularized(*large(), **options, fused=False))


def test_the_closed_form_is_not_chosen_for_coefficients_of_each_class() -> None:
    logits, target = large()
    for fused in (None, True):
        assert NODE not in nodes(entropy_regularized(logits, target, ce=torch.ones(64), fused=fused))


@pytest.fixture
def compiler() -> Iterator[Callable[..., Any]]:
    torch._dynamo.reset()
    yield partial(torch.compile, fullgraph=True)
    torch._dynamo.reset()


def value_and_gradients(loss: nn.Module, logits: Tensor, target: Tensor) -> tuple[Tensor, ...]:
    value = loss(logits, target)
    return value.detach(), *torch.autograd.grad(value, (logits, *loss.parameters()))


OPTIONS = {"weight": [0.5, 2.0] * 32, "label_smoothing": 0.1, "unlabelled": True}
LOSSES = {
    "mix_ent": MixEntLoss,
    "min_ent": MinEntLoss,
    "all_options": partial(MixEntLoss, **OPTIONS),
    "per_class": partial(MinEntLoss, per_class_bases=64),
}


@pytest.mark.parametrize("name", ["mix_ent", "all_options", "per_class"])
def test_a_compiled_loss_has_the_same_value_and_gradients(
    name: str, compiler: Callable, always_worthwhile: None
) -> None:
    loss, batch = LOSSES[name](), large(below=WORTHWHILE // 64 - 8)
    compiled = compiler(loss, backend="aot_eager")
    torch.testing.assert_close(value_and_gradients(compiled, *batch), value_and_gradients(loss, *batch))


def test_a_compiled_loss_is_never_in_closed_form(compiler: Callable, always_worthwhile: None) -> None:
    loss, batch = MixEntLoss(), large(below=WORTHWHILE // 64 - 8)
    assert NODE in nodes(loss(*batch))
    compiled = compiler(loss, backend="eager")(*batch)
    assert NODE not in nodes(compiled)
    torch.testing.assert_close(compiled, loss(*batch))


@pytest.mark.slow
@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_compiled_by_inductor_has_the_same_value_and_gradients(name: str, compiler: Callable) -> None:
    loss, batch = LOSSES[name](), large()
    torch.testing.assert_close(value_and_gradients(compiler(loss), *batch), value_and_gradients(loss, *batch))


@few_paths
def test_it_works_under_autocast(path: str, several_blocks: None) -> None:
    dtype = torch.bfloat16
    logits, loss = of_path(path)
    torch.manual_seed(7)
    layer = nn.Linear(CLASSES, CLASSES)
    results = []
    for fused in (True, False):
        with torch.autocast("cpu", dtype=dtype):
            scores = layer(logits.float())
            value = loss(scores, fused=fused)
        gradient = torch.autograd.grad(value, (scores, *layer.parameters()))
        assert [g.dtype for g in gradient] == [dtype, torch.float32, torch.float32]
        results.append((value.detach(), *gradient))
    assert results[0][0].dtype == torch.float32
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want, rtol=4 * torch.finfo(dtype).eps, atol=4e-3 * want.abs().max().item())
