"""Bad input is a ValueError with one sentence, by every function and module of the family."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import partial
from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor

from entreg.losses import CrossEntropyLoss, MinEntLoss, MixEntLoss, checks
from entreg.losses.functional import (
    cross_entropy,
    entropy,
    entropy_regularized,
    reverse_cross_entropy,
    reverse_kl,
    terms,
)

LOGITS, INDICES = torch.zeros(2, 3), torch.tensor([0, 2])
UNIFORM = torch.full((2, 3), 1 / 3)
EACH = torch.ones(3)
UNREDUCED: dict[str, Callable[..., Any]] = {
    "cross_entropy": cross_entropy,
    "reverse_cross_entropy": reverse_cross_entropy,
    "reverse_kl": reverse_kl,
    "entropy_regularized": partial(entropy_regularized, entropy=0.2, rce=0.3),
    "fused": partial(entropy_regularized, entropy=0.2, rce=0.3, fused=True),
    "per_class": partial(entropy_regularized, ce=EACH),
    "terms": terms,
    "MixEntLoss": MixEntLoss(),
}
VALIDATING = {
    "entropy_regularized": entropy_regularized,
    "fused": partial(entropy_regularized, fused=True),
    "dense": partial(entropy_regularized, label_smoothing=0.1),
    "terms": terms,
    "MinEntLoss": lambda logits, target, **options: MinEntLoss(**options)(logits, target),
    "CrossEntropyLoss": lambda logits, target, **options: CrossEntropyLoss(**options)(logits, target),
}


def refused(message: str) -> Any:
    """The whole message of a ValueError."""
    return pytest.raises(ValueError, match=f"^{re.escape(message)}$")


@pytest.mark.parametrize(
    ("logits", "target", "message"),
    [
        (torch.tensor(1.0), torch.tensor(0), "logits must have a class dimension, got a scalar"),
        (torch.tensor(1.0), torch.tensor(1.0), "logits must have a class dimension, got a scalar"),
        (LOGITS.long(), INDICES, "logits must be floating point, got torch.int64"),
        (LOGITS.to(torch.complex64), INDICES, "logits must be floating point, got torch.complex64"),
        (LOGITS, INDICES.int(), "class indices must be int64 or uint8, got torch.int32"),
        (LOGITS, INDICES > 0, "class indices must be int64 or uint8, got torch.bool"),
        (LOGITS, INDICES[:1], "class indices for logits (2, 3) must have shape (2,), got (1,)"),
        (LOGITS, INDICES[:, None], "class indices for logits (2, 3) must have shape (2,), got (2, 1)"),
        (LOGITS[0], INDICES, "class indices for logits (3,) must have shape (), got (2,)"),
        (torch.zeros(2, 3, 4), INDICES, "class indices for logits (2, 3, 4) must have shape (2, 4), got (2,)"),
        (LOGITS, torch.ones(2, 4), "probabilities must have the shape of the logits, got (2, 4) for (2, 3)"),
        (LOGITS, torch.ones(2), "probabilities must have the shape of the logits, got (2,) for (2, 3)"),
        (LOGITS[0], UNIFORM, "probabilities must have the shape of the logits, got (2, 3) for (3,)"),
    ],
)
def test_shapes_and_dtypes_that_do_not_fit_are_refused(logits: Tensor, target: Tensor, message: str) -> None:
    for function in UNREDUCED.values():
        with refused(message):
            function(logits, target)


def test_the_entropy_refuses_logits_that_do_not_fit() -> None:
    with refused("logits must be floating point, got torch.int64"):
        entropy(LOGITS.long())
    with refused("logits must have a class dimension, got a scalar"):
        entropy(torch.tensor(1.0))


def test_no_classes_are_refused() -> None:
    for function in UNREDUCED.values():
        for batch in ((torch.zeros(2, 0), torch.zeros(2, 0)), (torch.zeros(0), torch.zeros(0))):
            with pytest.raises(ValueError, match=r"^logits must have at least one class, got shape \((2, 0|0,)\)$"):
                function(*batch)


@pytest.mark.parametrize("weight", [torch.ones(2), torch.ones(4), torch.ones(1, 3), torch.tensor(1.0)], ids=str)
def test_class_weights_of_another_length_are_refused(weight: Tensor) -> None:
    message = f"weight must hold one number for each of 3 classes, got shape {tuple(weight.shape)}"
    batches = [(LOGITS, INDICES), (LOGITS, UNIFORM), (LOGITS[0], INDICES[0]), (LOGITS[0], UNIFORM[0])]
    for function, batch in product(
        (cross_entropy, reverse_cross_entropy, reverse_kl, entropy_regularized, terms), batches
    ):
        with refused(message):
            function(*batch, weight=weight)
    if weight.ndim == 1:
        with refused(message):
            MixEntLoss(weight=weight.tolist())(LOGITS, INDICES)


PROBABILITIES = {
    "not_1": (UNIFORM * 2, "got sums in [2, 2] and a smallest value of 0.6667"),
    "one_row": (torch.tensor([[0.5, 0.5, 0.0], [0.5, 0.2, 0.0]]), "got sums in [0.7, 1] and a smallest value of 0"),
    "negative": (torch.tensor([[1.5, -0.5, 0.0]]).expand(2, 3), "got sums in [1, 1] and a smallest value of -0.5"),
    "nan": (UNIFORM * math.nan, "got sums in [nan, nan] and a smallest value of nan"),
    "infinite": (torch.tensor([[math.inf, 0.0, 0.0]]).expand(2, 3), "got sums in [inf, inf] and a smallest value of 0"),
    "logits": (torch.tensor([[-2.0, 3.0, 1.0]]).expand(2, 3), "got sums in [2, 2] and a smallest value of -2"),
}


@pytest.mark.parametrize("kind", PROBABILITIES)
def test_probabilities_that_are_none_are_refused(kind: str) -> None:
    target, found = PROBABILITIES[kind]
    message = f"target probabilities must be >= 0 and sum to 1, {found}; validate_args=False skips this check"
    for function in VALIDATING.values():
        with refused(message):
            function(LOGITS, target)
        with pytest.raises(ValueError, match=r"^target probabilities must be >= 0 and sum to 1, got .*"):
            function(LOGITS[1], target[1])
        assert isinstance(function(LOGITS, target, validate_args=False), (Tensor, tuple))


def test_probabilities_are_checked_along_the_class_dimension() -> None:
    logits = torch.zeros(2, 3, 3)
    along_classes = torch.tensor([[0.2, 0.3, 0.5], [0.3, 0.3, 0.4], [0.5, 0.4, 0.1]]).expand(2, 3, 3)
    entropy_regularized(logits, along_classes)
    along_another = torch.tensor([[1.0, 0.0, 0.0]]).expand(2, 3, 3)
    with refused(
        "target probabilities must be >= 0 and sum to 1, got sums in [0, 3] and a smallest value of 0; "
        "validate_args=False skips this check"
    ):
        entropy_regularized(logits, along_another)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16], ids=str)
def test_probabilities_rounded_to_their_dtype_are_accepted(dtype: torch.dtype) -> None:
    classes = 20_000
    generator = torch.Generator().manual_seed(10)
    for spread in (0.0, 1.0, 5.0):
        target = (torch.randn(8, classes, generator=generator) * spread).softmax(1).to(dtype)
        assert entropy_regularized(torch.zeros(8, classes), target).item() == pytest.approx(math.log(classes), rel=0.03)
    with pytest.raises(ValueError, match=r"^target probabilities must be >= 0 and sum to 1"):
        entropy_regularized(torch.zeros(8, classes), target * 0.95)


@pytest.mark.parametrize(("index", "ignore_index"), [(3, -100), (-1, -100), (-100, -1), (100, 0), (-2, 2), (3, 5)])
def test_indices_out_of_range_are_refused(index: int, ignore_index: int) -> None:
    message = f"class indices must lie in [0, 2] or be ignore_index {ignore_index}, got {index}"
    batches = [
        (LOGITS, torch.tensor([1, index])),
        (LOGITS[0], torch.tensor(index)),
        (torch.zeros(2, 3, 2), torch.tensor([[1, 0], [ignore_index, index]])),
    ]
    for function, batch in product(VALIDATING.values(), batches):
        with refused(message):
            function(*batch, ignore_index=ignore_index)


@pytest.mark.parametrize("ignore_index", [-100, -1, 0, 3, 100])
def test_the_index_to_ignore_may_be_any(ignore_index: int) -> None:
    for function in VALIDATING.values():
        got = function(LOGITS, torch.tensor([1, ignore_index]), ignore_index=ignore_index)
        want = function(LOGITS[:1], torch.tensor([1]))
        pairs = ((got, want),) if isinstance(got, Tensor) else zip(got, want, strict=True)
        for ours, theirs in pairs:
            torch.testing.assert_close(ours.sum(), theirs.sum())


def test_without_validation_indices_are_left_to_pytorch() -> None:
    with pytest.raises(IndexError, match=r"^Target 3 is out of bounds\.$"):
        entropy_regularized(LOGITS, torch.tensor([1, 3]), validate_args=False)


def test_nothing_of_an_empty_batch_is_checked() -> None:
    assert checks.check_values(torch.zeros(0, dtype=torch.int64), 3, -100) is None
    assert checks.check_values(torch.zeros(0, 3), 3, -100) is None


@pytest.mark.parametrize("function", [entropy_regularized, partial(entropy_regularized, fused=True)])
@pytest.mark.parametrize("options", [{}, {"label_smoothing": 0.1, "rce": 0.2}, {"entropy": 0.3, "unlabelled": True}])
def test_targets_can_be_mapped_over_with_validation(function: Callable, options: dict) -> None:
    logits = torch.tensor([[1.0, 2.0, 0.0], [0.5, 0.0, -1.0]])
    loss = partial(function, reduction="sum", **options)
    for target in (torch.tensor([0, -100]), UNIFORM):
        got = torch.func.vmap(loss)(logits, target)
        torch.testing.assert_close(got, loss(logits, target, reduction="none"))
        (grad,) = torch.autograd.grad(loss(logits.requires_grad_(), target), logits)
        torch.testing.assert_close(torch.func.vmap(torch.func.grad(loss))(logits.detach(), target), grad)


@pytest.mark.parametrize("in_dim", [0, 1])
def test_targets_that_are_mapped_over_are_validated_all_at_once(in_dim: int) -> None:
    logits, target = torch.zeros(4, 5, 3), torch.zeros(4, 5, dtype=torch.int64)
    target[2, 3] = 7
    logits, target = logits.movedim(0, in_dim), target.movedim(0, in_dim)
    for loss in (entropy_regularized, torch.func.grad(entropy_regularized)):
        with refused("class indices must lie in [0, 2] or be ignore_index -100, got 7"):
            torch.func.vmap(loss, in_dims=in_dim)(logits, target)
    with pytest.raises(ValueError, match=r"^target probabilities must be >= 0 and sum to 1, got sums in \[2, 2\]"):
        torch.func.vmap(torch.func.vmap(entropy_regularized))(torch.zeros(4, 5, 3), torch.full((4, 5, 3), 2 / 3))


def test_a_target_that_is_not_mapped_over_is_validated_under_vmap() -> None:
    loss = partial(entropy_regularized, target=torch.tensor([0, 7]))
    with refused("class indices must lie in [0, 2] or be ignore_index -100, got 7"):
        torch.func.vmap(loss)(torch.zeros(4, 2, 3))


def test_values_on_a_device_without_memory_are_not_read() -> None:
    for target in (INDICES, UNIFORM):
        assert entropy_regularized(LOGITS.to("meta"), target.to("meta")).is_meta


@pytest.mark.parametrize("eps", [0.0, 1.0, -0.1, 2.0, math.nan, math.inf])
def test_eps_outside_0_and_1_is_refused(eps: float) -> None:
    message = f"eps must lie strictly between 0 and 1, got {eps}"
    for function in (reverse_cross_entropy, reverse_kl, entropy_regularized, terms):
        with refused(message):
            function(LOGITS, INDICES, eps=eps)
    with refused(message):
        MixEntLoss(eps=eps)


@pytest.mark.parametrize("label_smoothing", [-0.1, 1.1, math.nan, math.inf])
def test_label_smoothing_outside_0_and_1_is_refused(label_smoothing: float) -> None:
    message = f"label_smoothing must lie in [0, 1], got {label_smoothing}"
    for function in (cross_entropy, entropy_regularized, terms):
        with refused(message):
            function(LOGITS, INDICES, label_smoothing=label_smoothing)
    for cls in (CrossEntropyLoss, MixEntLoss):
        with refused(message):
            cls(label_smoothing=label_smoothing)


@pytest.mark.parametrize("reduction", ["max", "Mean", "", None])
def test_an_unknown_reduction_is_refused(reduction: Any) -> None:
    message = f"reduction must be 'none', 'mean' or 'sum', got {reduction!r}"
    for name in ("cross_entropy", "reverse_cross_entropy", "reverse_kl", "entropy_regularized", "fused"):
        with refused(message):
            UNREDUCED[name](LOGITS, INDICES, reduction=reduction)
    with refused(message):
        entropy(LOGITS, reduction=reduction)
    for cls in (CrossEntropyLoss, MinEntLoss):
        with refused(message):
            cls(reduction=reduction)


@pytest.mark.parametrize("base", [1.0, 0.5, 0.0, -2.0, math.inf, math.nan])
def test_a_base_that_is_not_above_1_is_refused(base: float) -> None:
    message = f"base must be a number > 1, got {base}"
    for function in (cross_entropy, reverse_cross_entropy, reverse_kl):
        with refused(message):
            function(LOGITS, INDICES, base=base)
    with refused(message):
        entropy(LOGITS, base=base)


def test_kl_of_each_class_is_refused() -> None:
    message = "per-class bases apply to ce and to entropy or rce, not to kl alone: use rce"
    for logits, target in ((LOGITS, INDICES), (LOGITS[0], INDICES[0])):
        with refused(message):
            entropy_regularized(logits, target, kl=EACH)


@pytest.mark.parametrize("shape", [(2,), (1,), (4,), (2, 3), (1, 3)])
def test_coefficients_of_each_class_of_another_length_are_refused(shape: tuple[int, ...]) -> None:
    batches = [(LOGITS, INDICES), (LOGITS[0], INDICES[0]), (torch.zeros(5, 3, 2), torch.zeros(5, 2).long())]
    for name, batch in product(("ce", "entropy", "rce", "kl"), batches):
        with refused(f"a coefficient per class must have shape (3,), got {shape}"):
            entropy_regularized(*batch, **{name: torch.ones(shape)})


@pytest.mark.parametrize(
    ("value", "low", "high", "message"),
    [
        (-0.1, 0.0, math.inf, "gamma must be a finite number >= 0, got -0.1"),
        (math.inf, 0.0, math.inf, "gamma must be a finite number >= 0, got inf"),
        (math.nan, 0.0, math.inf, "gamma must be a finite number >= 0, got nan"),
        (1.5, 0.0, 1.0, "gamma must be a number in [0, 1], got 1.5"),
        (math.nan, 0.5, 1.0, "gamma must be a number in [0.5, 1], got nan"),
    ],
)
def test_a_number_out_of_its_range_is_refused(value: float, low: float, high: float, message: str) -> None:
    with refused(message):
        checks.check_range("gamma", value, low, high)


@pytest.mark.parametrize(("value", "low", "high"), [(0.0, 0.0, math.inf), (1e9, 0.0, math.inf), (1.0, 0.0, 1.0)])
def test_a_number_in_its_range_is_accepted(value: float, low: float, high: float) -> None:
    assert checks.check_range("gamma", value, low, high) is None
