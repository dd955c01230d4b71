"""One suite of properties that every loss of the registry passes, and that is one line for a user's own."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable

import torch
from torch import Tensor, nn

_CLASSES = 7


def check_loss(
    loss: nn.Module,
    *,
    per_sample: bool = False,
    class_symmetric: bool = False,
    soft: bool = False,
    masking: bool = True,
    half: bool = False,
) -> None:
    """Check a loss for what training relies on; what it does not claim is not asked of it.

    Always checked: a scalar with a correct gradient (:func:`torch.autograd.gradcheck`, float64), finite values and
    gradients for logits up to 1e4, the same loss for the samples in another order and for logits shifted by a constant,
    and that 20 steps of gradient descent on the logits lower it.

    Args:
        loss: module called with logits ``(N, C)`` and class indices ``(N,)``; it is copied, never changed.
        per_sample: it has an attribute ``reduction``; ``"none"`` gives one value a sample, whose mean and sum are the
            other two, and samples of its ``ignore_index`` might as well not be there.
        class_symmetric: relabelling the classes leaves it unchanged.
        soft: it takes probabilities ``(N, C)`` too, and one-hot ones give what their indices do.
        masking: it stays finite for logits of ``-inf`` on classes that are not the target, or, with ``soft``, of
            probability 0, which PyTorch's cross-entropy does not.
        half: it stays finite for float16 and bfloat16 logits too, which PyTorch's own losses do not outside autocast.

    Raises:
        AssertionError: on the first property that does not hold, which it names.

    Example:
        >>> check_loss(nn.CrossEntropyLoss(), per_sample=True, class_symmetric=True)
    """
    loss = copy.deepcopy(loss).double()
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(9, _CLASSES, generator=generator, dtype=torch.float64)
    target = torch.randint(_CLASSES, (9,), generator=generator)
    value = loss(logits, target)
    _require(value.ndim == 0, f"the loss is a scalar, got shape {tuple(value.shape)}")
    _check_gradient(loss, logits, target)
    dtypes = (torch.float32, torch.float16, torch.bfloat16) if half else (torch.float32,)
    _check_extremes(loss, target, dtypes, masking, soft)
    order = torch.randperm(len(target), generator=generator)
    _close(loss(logits[order], target[order]), value, "the order of the samples does not matter")
    _close(loss(logits + 5.0, target), value, "a constant added to the logits does not matter")
    _check_descent(loss, logits, target)
    if class_symmetric:
        relabel = torch.randperm(_CLASSES, generator=generator)
        _close(loss(logits[:, relabel.argsort()], relabel[target]), value, "the names of the classes do not matter")
    if soft:
        one_hot = nn.functional.one_hot(target, _CLASSES).to(logits.dtype)
        _close(loss(logits, one_hot), value, "one-hot probabilities give what class indices do")
    if per_sample:
        _check_reduction(loss, logits, target)


def _check_gradient(loss: nn.Module, logits: Tensor, target: Tensor) -> None:
    parameters = [p for p in loss.parameters() if p.requires_grad]

    def of_inputs(*inputs: Tensor) -> Tensor:
        return loss(inputs[0], target)

    inputs = (logits.clone().requires_grad_(), *parameters)
    _require(torch.autograd.gradcheck(of_inputs, inputs), "autograd agrees with finite differences")


def _check_extremes(
    loss: nn.Module, target: Tensor, dtypes: tuple[torch.dtype, ...], masking: bool, soft: bool
) -> None:
    single = copy.deepcopy(loss).float()
    bounds = [(-1e4, 1e4)]
    if masking:
        bounds.append((-torch.inf, 0.0))
    targets = [target]
    if soft:
        targets.append(nn.functional.one_hot(target, _CLASSES).float())
    other, unlikely = (target + 1) % _CLASSES, (target + 2) % _CLASSES
    for dtype, (low, high), peak, given in itertools.product(dtypes, bounds, (target, other), targets):
        logits = torch.zeros(len(target), _CLASSES, dtype=dtype)
        logits.scatter_(1, peak[:, None], high)
        logits.scatter_(1, unlikely[:, None], low)
        logits.requires_grad_()
        value = single(logits, given)
        (gradient,) = torch.autograd.grad(value, logits)
        finite = bool(torch.isfinite(value)) and bool(torch.isfinite(gradient).all())
        _require(finite, f"logits of {low:g} and {high:g} in {dtype} give finite values and gradients")


def _check_descent(loss: nn.Module, logits: Tensor, target: Tensor) -> None:
    z = logits.clone().requires_grad_()
    before = loss(z, target).item()
    for _ in range(20):
        (gradient,) = torch.autograd.grad(loss(z, target), z)
        z = (z - gradient).detach().requires_grad_()
    _require(loss(z, target).item() < before, "20 steps of gradient descent lower the loss")


def _check_reduction(loss: nn.Module, logits: Tensor, target: Tensor) -> None:
    def reduced(reduction: str) -> Callable[[Tensor, Tensor], Tensor]:
        other = copy.deepcopy(loss)
        other.reduction = reduction  # type: ignore[assignment]
        return other

    values = reduced("none")(logits, target)
    _require(values.shape == target.shape, f"reduction='none' gives a value a sample, got {tuple(values.shape)}")
    _close(values.mean(), reduced("mean")(logits, target), "reduction='mean' is the mean of 'none'")
    _close(values.sum(), reduced("sum")(logits, target), "reduction='sum' is the sum of 'none'")
    ignored = target.clone()
    ignored[::3] = int(getattr(loss, "ignore_index", -100))
    kept = ignored == target
    _close(
        reduced("mean")(logits, ignored),
        reduced("mean")(logits[kept], target[kept]),
        "an ignored sample might as well not be there",
    )


def _require(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(f"does not hold: {what}")


def _close(found: Tensor, expected: Tensor, what: str) -> None:
    _require(torch.allclose(found, expected, rtol=1e-9, atol=1e-12), f"{what}: {found.item()} != {expected.item()}")
