"""Losses with one fault each, by the property that the fault breaks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

cross_entropy = F.cross_entropy
Function = Callable[[Tensor, Tensor], Any]


class Loss(nn.Module):
    """A function of logits and target as a loss, with what else such a loss has for attributes."""

    def __init__(self, function: Function, **attributes: Any) -> None:
        super().__init__()
        self.function = function
        for name, value in attributes.items():
            self.register_buffer(name, value) if isinstance(value, Tensor) else setattr(self, name, value)

    def forward(self, logits: Tensor, target: Tensor) -> Any:
        return self.function(logits, target)


class ScaledGradient(torch.autograd.Function):
    """The identity with a wrong backward."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        return value.clone()

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return 1.01 * gradient


def each(logits: Tensor, target: Tensor) -> Tensor:
    return F.cross_entropy(logits, target, reduction="none")


def hit(logits: Tensor, target: Tensor) -> Tensor:
    return logits.softmax(1).gather(1, target[:, None]).squeeze(1)


def shifted_in_place(logits: Tensor, target: Tensor) -> Tensor:
    logits -= logits.detach().amax(1, keepdim=True)
    return F.cross_entropy(logits, target)


def relabelled_in_place(logits: Tensor, target: Tensor) -> Tensor:
    kept = target != -100
    target[~kept] = 0
    return each(logits, target)[kept].mean()


def smoothed(logits: Tensor, target: Tensor, share: float) -> Tensor:
    return (1 - share) * F.cross_entropy(logits, target) - share * logits.log_softmax(1).mean()


def squeezed(logits: Tensor, target: Tensor) -> Tensor:
    return F.nll_loss(logits.squeeze().log_softmax(1), target)


def balanced(logits: Tensor, target: Tensor) -> Tensor:
    weight = 1 / torch.bincount(target, minlength=logits.shape[1]).clamp(min=1)
    return F.cross_entropy(logits, target, weight=weight.to(logits.dtype))


def bounded_exponentials(logits: Tensor, target: Tensor) -> Tensor:
    z = logits - logits.mean(1, keepdim=True)
    return (z.clamp(max=50).exp().sum(1).log() - z.gather(1, target[:, None]).squeeze(1)).mean()


WRONG: dict[str, list[tuple[str, nn.Module]]] = {
    "scalar": [
        ("a value a sample", nn.CrossEntropyLoss(reduction="none")),
        ("of shape (1,)", Loss(lambda z, y: cross_entropy(z, y)[None])),
        ("a float", Loss(lambda z, y: cross_entropy(z, y).item())),
    ],
    "inputs": [
        ("logits shifted in place", Loss(shifted_in_place)),
        ("ignored targets overwritten", Loss(relabelled_in_place, ignore_index=-100)),
    ],
    "deterministic": [("noise", Loss(lambda z, y: cross_entropy(F.dropout(z, 0.5), y)))],
    "finite": [
        ("logarithm of a softmax", Loss(lambda z, y: -hit(z, y).log().mean())),
        ("logarithm of logits", Loss(lambda z, y: F.nll_loss(z.log(), y))),
        ("sum of exponentials", Loss(lambda z, y: (z.exp().sum(1).log() - z.gather(1, y[:, None])[:, 0]).mean())),
        ("slope of a root at 0", Loss(lambda z, y: (1 - hit(z, y)).sqrt().mean())),
    ],
    "gradient": [
        ("1 % off in a custom backward", Loss(lambda z, y: ScaledGradient.apply(cross_entropy(z, y)))),
        ("detached weights of a focal loss", Loss(lambda z, y: ((1 - hit(z, y).detach()) ** 2 * each(z, y)).mean())),
        ("none, all is detached", Loss(lambda z, y: cross_entropy(z.detach(), y))),
        ("rounded to bfloat16", Loss(lambda z, y: cross_entropy(z.bfloat16(), y).to(z.dtype))),
    ],
    "preference": [
        ("minus sign", Loss(lambda z, y: -cross_entropy(z, y))),
        ("targets off by one", Loss(lambda z, y: cross_entropy(z, (y + 1) % z.shape[1]))),
        ("target unused", Loss(lambda z, y: cross_entropy(z, z.argmax(1)))),
        ("constant", Loss(lambda z, y: 0 * z.sum())),
        ("smoothing above 1", Loss(lambda z, y: smoothed(z, y, 1.5))),
    ],
    "descent": [
        ("class 0 taken for padding", Loss(lambda z, y: cross_entropy(z, y, ignore_index=0))),
        ("the error rate, which has no slope", Loss(lambda z, y: (z.argmax(1) != y).double().mean() + 0 * z.sum())),
        ("the worst sample only", Loss(lambda z, y: each(z, y).amax())),
        ("the last class left out", Loss(lambda z, y: (each(z, y) * (y < z.shape[1] - 1)).mean())),
    ],
    "shift": [
        ("softmax forgotten", Loss(F.nll_loss)),
        ("softmax over the samples", Loss(lambda z, y: F.nll_loss(z.log_softmax(0), y))),
        ("pull on the logits", Loss(lambda z, y: cross_entropy(z, y) + 0.01 * z.square().mean())),
        ("sigmoids", Loss(lambda z, y: F.binary_cross_entropy_with_logits(z, F.one_hot(y, z.shape[1]).to(z.dtype)))),
    ],
    "order": [("weights by position", Loss(lambda z, y: (each(z, y) * torch.linspace(0.5, 1.5, len(y))).mean()))],
    "reduction": [
        ("sum for mean", Loss(lambda z, y: cross_entropy(z, y, reduction="sum"))),
        ("mean for sum", Loss(cross_entropy, reduction="sum")),
        ("divided by the samples twice", Loss(lambda z, y: cross_entropy(z, y) / len(y))),
        ("divided by one too many", Loss(lambda z, y: each(z, y).sum() / (len(y) + 1))),
    ],
    "samples": [
        ("logits centred over the batch", Loss(lambda z, y: cross_entropy(z - z.mean(0), y))),
        ("diversity of a batch", Loss(lambda z, y: cross_entropy(z, y) + z.softmax(1).mean(0).square().sum())),
        ("classes weighted by their number in the batch", Loss(balanced)),
        ("a batch of one squeezed away", Loss(squeezed)),
    ],
    "weight": [("class weights forgotten", Loss(cross_entropy, weight=torch.tensor([0.2, 0.3, 0.5])))],
    "ignore_index": [
        ("ignored samples in the mean", Loss(lambda z, y: each(z, y).mean(), ignore_index=-100)),
        ("hard-wired to -100", Loss(cross_entropy, ignore_index=255)),
        ("unused, within the classes", Loss(cross_entropy, ignore_index=3)),
    ],
    "autocast": [("exponentials too large for float16", Loss(bounded_exponentials))],
}
