"""Optimizers in their fastest form."""

from __future__ import annotations

import torch
from torch.optim import SGD, Adam, AdamW, Optimizer

_FUSED = (Adam, AdamW, SGD)
_DEVICES = ("cpu", "cuda")


def fuse(optimizer: Optimizer, device: torch.device) -> None:
    """Let Adam, AdamW and SGD update all parameters in one operation, unless they were told how to.

    That is what their argument ``fused=True`` does; here it is for optimizers whose maker was told nothing.

    Args:
        optimizer: has made no step.
        device: of the parameters.
    """
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    if not isinstance(optimizer, _FUSED) or device.type not in _DEVICES:
        return
    if not all(parameter.is_floating_point() for parameter in parameters):
        return  # complex ones cannot be
    for options in (optimizer.defaults, *optimizer.param_groups):  # the defaults are for groups that are added later
        if options["fused"] is None and not options["foreach"] and not options["differentiable"]:
            options["fused"] = True


def can_skip_steps(optimizer: Optimizer) -> bool:
    """Whether the optimizer leaves weights and state alone in a step whose ``found_inf`` is 1, as fused ones do."""
    return isinstance(optimizer, _FUSED) and all(group["fused"] for group in optimizer.param_groups)
