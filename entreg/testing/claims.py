"""What a loss may claim besides: each says what is wrong, or nothing."""

from __future__ import annotations

import copy
from dataclasses import replace

import torch
from torch import Tensor

from entreg.testing.case import Case, differs
from entreg.testing.numbers import infinite_at


def per_sample(case: Case) -> str | None:
    """``reduction="none"`` is what the other two reduce."""
    case = case.unweighted()  # with unequal class weights the mean is a weighted one
    reduced = {name: _reduced(case, name) for name in ("none", "mean", "sum")}
    values = reduced["none"]
    if values.shape != case.target.shape:
        rule = "reduction='none' gives a value a sample"
        return f"{rule}: expected shape {tuple(case.target.shape)}, got {tuple(values.shape)}"
    mean = differs(reduced["mean"], values.mean(), "reduction='mean' is the mean of 'none'")
    return mean or differs(reduced["sum"], values.sum(), "reduction='sum' is the sum of 'none'")


def class_symmetric(case: Case) -> str | None:
    """The names of the classes do not matter."""
    found = case.value(case.logits.flip(1), case.num_classes - 1 - case.target)
    return differs(found, case.value(case.logits, case.target), "the names of the classes do not matter")


def soft(case: Case) -> str | None:
    """Probabilities are taken."""
    indices, one_hot = (case.value(case.logits, target) for target in case.targets(torch.float64))
    return differs(one_hot, indices, "one-hot probabilities give what class indices do")


def masking(case: Case) -> str | None:
    """Classes may be switched off."""
    other = (case.target[:, None] + 1) % case.num_classes
    for dtype in case.dtypes:
        infinite = infinite_at(case, torch.zeros(case.logits.shape, dtype=dtype).scatter(1, other, -torch.inf))
        if infinite:
            return f"a logit of -inf in {dtype} for another class gives a finite loss and gradient: {infinite}"
    return None


def _reduced(case: Case, reduction: str) -> Tensor:
    other = replace(case, loss=copy.deepcopy(case.loss))
    other.loss.reduction = reduction  # type: ignore[assignment]
    return other.value(case.logits, case.target)
