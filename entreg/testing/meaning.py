"""What a loss means to a classifier: each property says what is wrong, or nothing."""

from __future__ import annotations

import torch
from torch import Tensor

from entreg.testing.case import Case, class_weight, differs, ignored_index


def preference(case: Case) -> str | None:
    """The right answer costs less than a wrong one."""
    case = case.unweighted()
    right = case.noise(0.3).scatter(1, case.target[:, None], 3.0)
    low = case.value(right, case.target)
    for step in range(1, case.num_classes):
        y, other = case.target[:, None], (case.target[:, None] + step) % case.num_classes
        wrong = right.scatter(1, y, right.gather(1, other)).scatter(1, other, right.gather(1, y))
        high = case.value(wrong, case.target)
        if not low < high:
            rule = f"exchanging the largest logit, the target's, with that of class y + {step} raises the loss"
            return f"{rule}: expected more than {low.item():.6g}, got {high.item():.6g}"
    return None


def descent(case: Case) -> str | None:
    """Training raises p_y; from near equal logits, where entropy is at its maximum and pulls nowhere."""
    case = case.unweighted()
    logits = case.noise(0.01).abs().scatter(1, case.target[:, None], 0.0)  # behind: the leader may be held back
    _, slope = case.gradient(logits, case.target)
    moved = logits - 0.1 * slope / slope.norm(dim=1, keepdim=True).clamp(min=torch.finfo(slope.dtype).tiny)
    before, after = (z.softmax(1).gather(1, case.target[:, None]).squeeze(1) for z in (logits, moved))
    for y, old, new in zip(case.target.tolist(), before.tolist(), after.tolist(), strict=True):
        if not new > old:
            rule = "a step of gradient descent on near equal logits raises the probability of the target"
            return f"{rule}: expected more than {old:.4f} for class {y}, got {new:.4f}"
    return None


def shift(case: Case) -> str | None:
    """Only differences of logits count."""
    constants = torch.linspace(-2, 5, len(case.logits), dtype=torch.float64)[:, None]
    found, expected = case.value(case.logits + constants, case.target), case.value(case.logits, case.target)
    return differs(found, expected, "a constant added to all logits of a sample changes nothing")


def order(case: Case) -> str | None:
    """A batch is a set."""
    found, expected = case.value(case.logits.flip(0), case.target.flip(0)), case.value(case.logits, case.target)
    return differs(found, expected, "the order of the samples does not matter")


def reduction(case: Case) -> str | None:
    """A mean stays and a sum doubles when every sample is given twice."""
    once = case.value(case.logits, case.target)
    twice = case.value(case.logits.repeat(2, 1), case.target.repeat(2))
    if case.is_sum:
        return differs(twice, 2 * once, "reduction is 'sum', so a batch given twice has twice the loss")
    return differs(twice, once, "a loss is a mean unless its reduction is 'sum', so a batch given twice keeps its loss")


def samples(case: Case) -> str | None:
    """A batch's loss is that of its samples, each by itself."""
    return _same_class(case) or _two_classes(case) or _neighbours(case)


def weight(case: Case) -> str | None:
    """Class weights are used."""
    given = class_weight(case.loss)
    if given is None:
        return None
    target, weights = case.classes[:2], given.clone()
    logits = torch.zeros(2, case.num_classes, dtype=torch.float64)
    logits[:, target[1]] = 5.0  # the first sample is wrong, the second right
    weights[target[0]] *= 2
    before, after = case.value(logits, target), case.weighted(weights).value(logits, target)
    rule = "the loss of a wrong and a right sample changes with the weight of the wrong one's class"
    return None if differs(after, before, rule) else f"{rule}: expected another than {before.item():.6g}, got the same"


def ignore_index(case: Case) -> str | None:
    """Ignored samples count nowhere."""
    index = ignored_index(case.loss)
    if index is None or case.probabilities:
        return None
    target = case.target.clone()
    target[::3] = index
    kept = target != index
    found, expected = case.value(case.logits, target), case.value(case.logits[kept], target[kept])
    return differs(found, expected, f"samples of ignore_index, here {index}, might as well not be there")


def _same_class(case: Case) -> str | None:
    for y in case.target.unique():
        logits, target = case.logits[:3], y.repeat(3)
        alone = torch.stack([case.value(logits[i : i + 1], target[i : i + 1]) for i in range(3)])
        kind, expected = ("sum", alone.sum()) if case.is_sum else ("mean", alone.mean())
        rule = f"the loss of three samples of class {y.item()} is the {kind} of theirs"
        wrong = differs(case.value(logits, target), expected, rule)
        if wrong:
            return wrong
    return None


def _two_classes(case: Case) -> str | None:
    logits = case.noise(0.3)  # small, where a hinge is open: the two samples must have different losses

    def batch(*rows: int) -> Tensor:
        return case.value(logits[list(rows)], case.target[list(rows)])

    first, second = batch(0), batch(1)
    if case.is_sum:
        expected = 2 * first + second
    else:  # a mean under class weights, of which nothing is known but what a batch of both says
        share = (batch(0, 1) - second) / (first - second)
        expected = second + 2 * share / (1 + share) * (first - second)
    return differs(batch(0, 0, 1), expected, "a sample given twice next to one of another class counts twice")


def _neighbours(case: Case) -> str | None:
    first = (torch.arange(len(case.logits)) < len(case.logits) // 2)[:, None]
    ours, theirs = case.logits, case.noise(3.0)
    whole = case.value(ours, case.target) + case.value(theirs, case.target)
    mixed = [case.value(torch.where(part, ours, theirs), case.target) for part in (first, ~first)]
    return differs(mixed[0] + mixed[1], whole, "what a sample adds to the loss does not depend on the others' logits")
