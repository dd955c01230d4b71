"""What the tests of the baselines share: formulas of one sample applied to all, and values with their gradients."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

Formula = Callable[[np.ndarray, np.ndarray], float]


def oracle(formula: Formula, logits: Tensor, target: Tensor) -> Tensor:
    """``formula(z, q)`` of the logits and the target distribution of each sample, both ``(C,)``."""
    q = target if target.is_floating_point() else F.one_hot(target, logits.shape[1])
    return torch.tensor(
        [formula(*row) for row in zip(logits.numpy(), q.numpy(), strict=True)],
        dtype=torch.float64,
    )


def with_gradient(loss: Callable[[Tensor, Tensor], Tensor], logits: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """The loss, and the gradient of its sum with respect to the logits."""
    z = logits.detach().clone().requires_grad_()
    value = loss(z, target)
    (gradient,) = torch.autograd.grad(value.sum(), z)
    return value.detach(), gradient
