"""A loss and the samples it is tried on."""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.nn import functional as F

HALVES = (torch.float16, torch.bfloat16)
_SAMPLES = 9
_CLASSES = 7


@dataclass(frozen=True)
class Case:
    """A copy of a loss in float64, with logits and targets that it must be right about.

    Attributes:
        loss: the copy.
        logits: ``(N, C)``, float64, of the size that a classifier in training gives.
        target: class indices ``(N,)``, each a class that counts.
        classes: those that count: neither ignored nor of weight 0.
        probabilities: whether the loss is called with one-hot probabilities instead of class indices.
        soft: whether it is tried with one-hot probabilities besides.
        half: whether it is tried with logits in half precision, outside autocast, besides.
    """

    loss: nn.Module
    logits: Tensor
    target: Tensor
    classes: Tensor
    probabilities: bool
    soft: bool
    half: bool

    @classmethod
    def of(cls, loss: nn.Module, num_classes: int | None, *, probabilities: bool, soft: bool, half: bool) -> Case:
        """Copy a loss and draw samples for it, the same in every call."""
        loss = copy.deepcopy(loss).to("cpu", torch.float64)
        weight = class_weight(loss)
        if num_classes is None:
            num_classes = _CLASSES if weight is None else len(weight)
        counts = torch.ones(num_classes, dtype=torch.bool) if weight is None else weight != 0
        index = ignored_index(loss)
        if index is not None and 0 <= index < num_classes:
            counts[index] = False
        classes = counts.nonzero().squeeze(1)
        generator = torch.Generator().manual_seed(0)
        logits = 3 * torch.randn(_SAMPLES, num_classes, generator=generator, dtype=torch.float64)
        target = classes[torch.arange(_SAMPLES) % len(classes)]
        return cls(loss, logits, target, classes, probabilities, soft, half)

    @property
    def num_classes(self) -> int:
        """Number of classes C."""
        return self.logits.shape[1]

    @property
    def is_sum(self) -> bool:
        """Whether the loss of a batch is a sum; it is a mean unless the loss's ``reduction`` says so."""
        return getattr(self.loss, "reduction", "mean") == "sum"

    @property
    def dtypes(self) -> tuple[torch.dtype, ...]:
        """The precisions of the logits that the loss, in float32, has to be finite for."""
        return (torch.float32, *HALVES) if self.half else (torch.float32,)

    def targets(self, dtype: torch.dtype) -> tuple[Tensor, ...]:
        """The target in every form that the loss takes, probabilities in this precision."""
        return (self.target, self._one_hot(self.target, dtype)) if self.soft else (self.target,)

    def noise(self, scale: float) -> Tensor:
        """Other logits ``(N, C)``, the same in every call."""
        generator = torch.Generator().manual_seed(1)
        return scale * torch.randn(self.logits.shape, generator=generator, dtype=torch.float64)

    def arguments(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Copy what the loss is called with, for logits ``(N, C)`` and class indices ``(N,)`` or probabilities."""
        if self.probabilities and not target.is_floating_point():
            target = self._one_hot(target, logits.dtype)
        return logits.clone(), target.clone()

    def value(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``logits (N, C)`` against class indices ``(N,)`` or probabilities ``(N, C)``."""
        return self.loss(*self.arguments(logits, target))

    def gradient(self, logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
        """Return the loss and its gradient with respect to the logits, 0 where it does not depend on them."""
        z = logits.clone().requires_grad_()
        value = self.value(z, target)
        if not value.requires_grad:
            return value, torch.zeros_like(z)
        (gradient,) = torch.autograd.grad(value, z, materialize_grads=True)
        return value.detach(), gradient

    def single(self) -> Case:
        """The same with the loss in float32, in which classifiers are trained."""
        return replace(self, loss=copy.deepcopy(self.loss).float())

    def weighted(self, weight: Tensor) -> Case:
        """The same with other class weights ``(C,)``, if the loss has any."""
        other = replace(self, loss=copy.deepcopy(self.loss))
        buffer = class_weight(other.loss)
        if buffer is not None:
            buffer.copy_(weight)
        return other

    def unweighted(self) -> Case:
        """The same with equal class weights: label smoothing with unequal ones prefers the heavy classes."""
        return self.weighted(torch.ones(self.num_classes))

    def _one_hot(self, target: Tensor, dtype: torch.dtype) -> Tensor:
        return F.one_hot(target, self.num_classes).to(dtype)


def class_weight(loss: nn.Module) -> Tensor | None:
    """Return the class weights ``(C,)`` of a loss, its buffer ``weight`` or ``class_weight``."""
    buffers = dict(loss.named_buffers(recurse=False))
    weight = buffers.get("weight", buffers.get("class_weight"))
    return weight if weight is not None and weight.ndim == 1 else None


def ignored_index(loss: nn.Module) -> int | None:
    """Return the ``ignore_index`` of a loss that has one."""
    index = getattr(loss, "ignore_index", None)
    return index if isinstance(index, int) else None


def differs(found: Tensor, expected: Tensor, rule: str) -> str | None:
    """Say which rule is broken and by how much, if the two are not equal up to rounding."""
    rtol = 1e-9 if found.dtype == expected.dtype == torch.float64 else 1e-4
    if torch.allclose(found.double(), expected.double(), rtol=rtol, atol=1e-3 * rtol):
        return None
    return f"{rule}: expected {expected.item():.6g}, got {found.item():.6g}"
