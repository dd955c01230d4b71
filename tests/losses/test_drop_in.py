"""The losses in the place of torch.nn.CrossEntropyLoss: its values and gradients, and the life of a module."""

from __future__ import annotations

import copy
import io
import math
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from entreg.losses import (
    ConfidencePenaltyLoss,
    CrossEntropyLoss,
    EntropyRegularizedLoss,
    MinEntLoss,
    MixEntLoss,
    ReverseKLLoss,
    Term,
)
from entreg.losses.functional import entropy_regularized
from tests.losses.samples import sample

CLASSES = 5
WEIGHT = [0.5, 1.0, 2.0, 3.0, 0.25]
SHAPES = [(CLASSES,), *((4, CLASSES, *(2, 3, 1, 2)[:trailing]) for trailing in range(5))]
REDUCTIONS = ["none", "mean", "sum"]
equal = partial(torch.testing.assert_close, rtol=1e-12, atol=1e-12)

without_rce = partial(MixEntLoss, ce_weight=1.0, ce_base=math.e, rce_weight=0.0, constraint="fixed", learn_bases=False)


def functional(fused: bool, weight: list[float] | None = None, **options: Any) -> Any:
    class_weight = None if weight is None else torch.tensor(weight, dtype=torch.float64)
    return partial(entropy_regularized, weight=class_weight, fused=fused, **options)


DROP_INS = {
    "CrossEntropyLoss": CrossEntropyLoss,
    "MixEntLoss": without_rce,
    "fused": partial(functional, True),
    "plain": partial(functional, False),
}


def batches(dtype: torch.dtype = torch.float64) -> Iterator[tuple[Tensor, Tensor]]:
    """Logits and a target, indices or probabilities, of every shape; index 2 occurs, and others."""
    generator = torch.Generator().manual_seed(8)
    randn = partial(torch.randn, generator=generator, dtype=torch.float64)
    for shape in SHAPES:
        logits = (randn(shape) * 3).to(dtype)
        samples = shape[:1] + shape[2:] if len(shape) > 1 else ()
        yield logits, torch.arange(1, 1 + math.prod(samples)).remainder(CLASSES).view(samples)
        yield logits, randn(shape).softmax(min(1, len(shape) - 1)).to(dtype)


def with_gradient(loss: Any, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    leaf = logits.clone().requires_grad_()
    value = loss(leaf, target)
    slope = torch.linspace(-1, 2, value.numel(), dtype=value.dtype).reshape(value.shape)
    (gradient,) = torch.autograd.grad(value, leaf, slope if value.ndim else None)
    return value.detach(), gradient


@pytest.mark.parametrize("name", DROP_INS)
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_it_is_the_cross_entropy_of_pytorch(name: str, reduction: str) -> None:
    for weight, ignore_index, label_smoothing in product([None, WEIGHT], [-100, 2], [0.0, 0.1]):
        options = {"reduction": reduction, "label_smoothing": label_smoothing}
        loss = DROP_INS[name](weight=weight, ignore_index=ignore_index, **options)
        theirs = partial(nn.CrossEntropyLoss, None if weight is None else torch.tensor(weight).double(), **options)
        for logits, target in batches():
            # PyTorch refuses an index to ignore where the target has none.
            want = theirs() if target.is_floating_point() else theirs(ignore_index=ignore_index)
            equal(with_gradient(loss, logits, target), with_gradient(want, logits, target))


@pytest.mark.parametrize("name", DROP_INS)
def test_it_is_the_cross_entropy_of_pytorch_in_single_precision(name: str) -> None:
    for label_smoothing, (logits, target) in product([0.0, 0.1], batches(torch.float32)):
        got = with_gradient(DROP_INS[name](label_smoothing=label_smoothing), logits, target)
        torch.testing.assert_close(
            got, with_gradient(nn.CrossEntropyLoss(label_smoothing=label_smoothing), logits, target)
        )


@pytest.mark.parametrize("name", DROP_INS)
def test_uint8_indices_are_those_of_pytorch(name: str) -> None:
    logits, target = torch.randn(4, 200, dtype=torch.float64), torch.tensor([3, 255, 156, 199], dtype=torch.uint8)
    for ignore_index, rows in ((255, [0, 1, 2, 3]), (-100, [0, 2, 3])):
        batch = logits[rows], target[rows]
        theirs = nn.CrossEntropyLoss(ignore_index=ignore_index)
        equal(with_gradient(DROP_INS[name](ignore_index=ignore_index), *batch), with_gradient(theirs, *batch))


@pytest.mark.parametrize("name", DROP_INS)
def test_logits_of_minus_infinity_are_those_of_pytorch(name: str) -> None:
    logits = torch.tensor([[0.5, -math.inf, 2.0], [9.0, 1.0, -math.inf]], dtype=torch.float64)
    for target in ([0, 1], [1, 0]):
        got, want = (with_gradient(loss, logits, torch.tensor(target)) for loss in (DROP_INS[name](), F.cross_entropy))
        equal(got, want)


@pytest.mark.parametrize("name", DROP_INS)
def test_nothing_but_ignored_samples_is_as_in_pytorch(name: str) -> None:
    logits, target = next(batches())[0].expand(3, -1), torch.full((3,), -100)
    for reduction, weight in product(REDUCTIONS, (None, WEIGHT)):
        class_weight = None if weight is None else torch.tensor(weight).double()
        theirs = nn.CrossEntropyLoss(class_weight, reduction=reduction)
        got = with_gradient(DROP_INS[name](weight=weight, reduction=reduction), logits, target)
        equal(got, with_gradient(theirs, logits, target), equal_nan=True)


@pytest.mark.parametrize("name", DROP_INS)
def test_the_gradient_for_probabilities_is_that_of_pytorch(name: str) -> None:
    class_weight = torch.tensor(WEIGHT).double()
    losses = (
        DROP_INS[name](weight=WEIGHT, label_smoothing=0.1),
        nn.CrossEntropyLoss(class_weight, label_smoothing=0.1),
    )
    for logits, target in list(batches())[1::2]:
        leaf = target.requires_grad_()
        equal(*(torch.autograd.grad(loss(logits, leaf), leaf) for loss in losses))


@pytest.mark.parametrize("name", DROP_INS)
def test_the_gradient_for_probabilities_of_0_is_that_of_pytorch(name: str) -> None:
    logits, _ = sample()
    leaf = torch.eye(4, dtype=torch.float64)[[0, 1, 2, 3, 0, 1]].requires_grad_()
    equal(*(torch.autograd.grad(loss(logits, leaf), leaf) for loss in (DROP_INS[name](), nn.CrossEntropyLoss())))


LIVING = {
    "cross_entropy": partial(CrossEntropyLoss, weight=WEIGHT[:4]),
    "min_ent": MinEntLoss,
    "mix_ent": partial(MixEntLoss, weight=WEIGHT[:4], label_smoothing=0.1, eps=1e-3),
    "reverse_kl": ReverseKLLoss,
    "confidence": partial(ConfidencePenaltyLoss, 0.2, unlabelled=True),
    "scheduled": partial(MinEntLoss, schedule="decay"),
    "softmax": partial(MixEntLoss, constraint="softmax", learn_bases=False),
    "uncertainty": partial(MinEntLoss, constraint="uncertainty", learn_bases=False),
    "per_class": partial(MixEntLoss, per_class_bases=4),
    "fixed": partial(MinEntLoss, constraint="fixed", learn_bases=False),
    "mixed": partial(EntropyRegularizedLoss, ce=1.0, entropy=Term(0.3, 2.0, learn_base=False), kl=Term(0.2)),
}
living = pytest.mark.parametrize("name", LIVING)


def saved_and_loaded(module: nn.Module) -> nn.Module:
    file = io.BytesIO()
    torch.save(module, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


def pickled(module: nn.Module) -> nn.Module:
    return pickle.loads(pickle.dumps(module))


def moved(loss: nn.Module) -> nn.Module:
    """The loss with what it learns changed, and its schedule half way."""
    with torch.no_grad():
        for parameter in loss.parameters():
            parameter.add_(torch.linspace(0.1, 0.4, parameter.numel()).view_as(parameter))
        for name, buffer in loss.named_buffers():
            if name.endswith("progress"):
                buffer.fill_(0.5)
    return loss


@living
def test_a_copy_is_equal_and_independent(name: str) -> None:
    for copied in (copy.deepcopy, pickled, saved_and_loaded):
        check_copy(moved(LIVING[name]()), copied)


def check_copy(loss: nn.Module, copied: Callable[[nn.Module], nn.Module]) -> None:
    twin = copied(loss)
    before = with_gradient(loss, *sample())
    torch.testing.assert_close(with_gradient(twin, *sample()), before, rtol=0, atol=0)
    assert type(twin) is type(loss)
    assert repr(twin) == repr(loss)
    ours = {tensor.data_ptr() for tensor in (*loss.parameters(), *loss.buffers())}
    assert not ours & {tensor.data_ptr() for tensor in (*twin.parameters(), *twin.buffers())}
    moved(twin)
    torch.testing.assert_close(with_gradient(loss, *sample()), before, rtol=0, atol=0)


@living
def test_a_state_dict_restores_the_loss(name: str) -> None:
    loss, restored = moved(LIVING[name]()), LIVING[name]()
    batch = sample()
    if list(loss.parameters()):
        assert restored(*batch) != loss(*batch)
    restored.load_state_dict(pickle.loads(pickle.dumps(loss.state_dict())), strict=True)
    torch.testing.assert_close(with_gradient(restored, *batch), with_gradient(loss, *batch), rtol=0, atol=0)


@living
def test_it_takes_the_place_of_cross_entropy_in_training(name: str) -> None:
    logits, target = sample(dtype=torch.float32)
    torch.manual_seed(9)
    model = nn.Linear(4, 4)
    loss = LIVING[name]()
    optimizer = torch.optim.SGD([*model.parameters(), *loss.parameters()], lr=1e-2)
    values = []
    for _ in range(5):
        optimizer.zero_grad()
        values.append(loss(model(logits), target))
        values[-1].backward()
        optimizer.step()
    assert values[-1] < values[0]
    assert all(parameter.grad.isfinite().all() for parameter in loss.parameters())


@pytest.mark.parametrize("fused", [False, True])
@pytest.mark.parametrize("weight", [None, WEIGHT])
def test_a_batch_of_ignored_samples_alone_has_no_mean_and_changes_nothing(
    fused: bool, weight: list[float] | None
) -> None:
    """As with PyTorch's loss: one such batch must not spoil a training."""
    logits, target = torch.randn(3, CLASSES, dtype=torch.float64, requires_grad=True), torch.full((3,), -100)
    coefficients = [torch.tensor(0.5, dtype=torch.float64, requires_grad=True) for _ in range(3)]
    terms = dict(zip(("ce", "entropy", "rce"), coefficients, strict=True))
    value = functional(fused, weight)(logits, target, **terms)
    assert value.isnan()
    for gradient in torch.autograd.grad(value, [logits, *coefficients]):
        assert (gradient == 0).all()
    for loss in (nn.CrossEntropyLoss(), MinEntLoss(), MixEntLoss(), ReverseKLLoss()):
        leaf = logits.detach().float().requires_grad_()
        assert loss(leaf, target).isnan()
        gradients = torch.autograd.grad(loss(leaf, target), [leaf, *loss.parameters()])
        assert all((gradient == 0).all() for gradient in gradients)
