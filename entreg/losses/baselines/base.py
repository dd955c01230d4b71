"""What the baselines share: class weights, ignored samples, reductions, indices or probabilities, any dimensions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TypedDict

import torch
from torch import Tensor, nn

from entreg.losses.checks import check_reduction, class_weight
from entreg.losses.plain import Reduction, counts, reduce
from entreg.losses.terms import batched, specify


class Options(TypedDict, total=False):
    """What every baseline takes by keyword; see :class:`ClassificationLoss`."""

    weight: Sequence[float] | None
    ignore_index: int
    reduction: Reduction
    validate_args: bool


class ClassificationLoss(nn.Module, ABC):
    r"""A loss of logits ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)`` that has one value for each sample.

    A subclass says what that value is; half precision is computed in float32, and what else
    :class:`torch.nn.CrossEntropyLoss` offers is here.

    Args:
        weight: class weights ``(C,)``: a sample counts :math:`w_y`, or :math:`\sum_k w_k q_k` with probabilities.
        ignore_index: target index whose samples count nowhere.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        validate_args: whether to check, on a CPU, that probabilities sum to 1 and indices are in range.

    Shape:
        logits ``(C,)``, ``(N, C)`` or ``(N, C, d1, ...)``; target class indices or probabilities; output a scalar, or
        the shape of the indices with ``reduction="none"``.

    Raises:
        ValueError: if ``reduction`` is unknown; in ``forward``, if the target does not fit the logits.
    """

    class_weight: Tensor | None

    def __init__(
        self,
        weight: Sequence[float] | None = None,
        ignore_index: int = -100,
        reduction: Reduction = "mean",
        validate_args: bool = True,
    ) -> None:
        super().__init__()
        check_reduction(reduction)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.validate_args = validate_args
        self.register_buffer("class_weight", class_weight(weight), persistent=False)

    @abstractmethod
    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each sample, ``(N, ...)``, of logits ``(N, C, ...)`` in at least float32.

        The target holds class indices in range or probabilities.
        """

    def forward(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of ``logits`` against class indices or probabilities."""
        spec = specify(logits, target, self.class_weight, ignore_index=self.ignore_index)
        z, y, weight = batched(logits, target, self.class_weight, spec, self.validate_args)
        counted = counts(y, weight, spec)
        keep = None
        if y.is_floating_point():
            y = y.to(spec.dtype)
        else:  # what an ignored sample holds, infinite or undefined, reaches neither value nor gradient
            keep = y != self.ignore_index
            z = torch.where(keep.unsqueeze(1), z, 0.0)
            y = torch.where(keep, y, 0)
        values = self.per_sample(z.to(spec.dtype), y)
        if counted.sample_weight is not None:
            values = values * counted.sample_weight
        if keep is not None:
            values = torch.where(keep, values, 0.0)
        loss = reduce(values, counted.normalizer, self.reduction)
        return loss.squeeze(0) if logits.ndim == 1 and self.reduction == "none" else loss

    def extra_repr(self) -> str:
        """Show the numbers a loss was made with."""
        numbers = {name: value for name, value in vars(self).items() if isinstance(value, (int, float, str))}
        shown = [name for name in numbers if name != "training" and not name.startswith("_")]
        return ", ".join(f"{name}={numbers[name]!r}" for name in shown)


class TargetLoss(ClassificationLoss):
    r"""A loss that is a function :math:`f(\ln p_y)` of the target's probability.

    With probabilities as the target it is their mean, :math:`\sum_k q_k\,f(\ln p_k)`.
    """

    @abstractmethod
    def cost(self, log_p: Tensor) -> Tensor:
        """Return :math:`f` of log-probabilities, elementwise."""

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the cost of the target."""
        return mean_over_target(self.cost, target, torch.log_softmax(logits, 1))


def mean_over_target(cost: Callable[..., Tensor], target: Tensor, log_p: Tensor, *others: Tensor) -> Tensor:
    r"""Return :math:`\sum_k q_k f_k`, ``(N, ...)``, of a cost of the classes' log-probabilities ``(N, C, ...)``.

    Args:
        cost: :math:`f`, elementwise.
        target: class indices ``(N, ...)``, whose cost alone is computed, or probabilities ``(N, C, ...)``.
        log_p: log-probabilities, its first argument.
        others: what else it takes, one value a class too.

    Example:
        >>> log_p = torch.tensor([[0.25, 0.75]]).log()
        >>> mean_over_target(torch.neg, torch.tensor([1]), log_p)  # cross-entropy
        tensor([0.2877])
    """
    if not target.is_floating_point():
        index = target.unsqueeze(1)
        return cost(*(values.gather(1, index) for values in (log_p, *others))).squeeze(1)
    # Any finite number where the target is 0: a logit of -inf would have the gradient 0 * inf.
    return (target * cost(torch.where(target == 0, -1.0, log_p), *others)).sum(1)


def distribution(target: Tensor, logits: Tensor) -> Tensor:
    """Return the target as probabilities ``(N, C, ...)``: class indices as 0 and 1, probabilities as they are."""
    if target.is_floating_point():
        return target
    return torch.zeros_like(logits).scatter(1, target.unsqueeze(1), 1.0)
