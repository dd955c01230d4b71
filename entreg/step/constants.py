"""What a captured step holds as a constant, and how to see that it is none."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from entreg.step.training import TrainingStep


def options(optimizer: Optimizer) -> list[dict[str, Any]]:
    """What the optimizer is told besides its learning rates, and how many parameters each group has."""
    return [
        {**group, "params": len(group["params"]), "lr": None, "initial_lr": None} for group in optimizer.param_groups
    ]


def plain_values(root: nn.Module) -> list[tuple[object, str, Any]]:
    """Plain values that a module and those in it keep outside of tensors, and which of its parameters are trained.

    Each is the object, the attribute and its value: to look whether it is as it was takes less than to list it.
    """
    values: list[tuple[object, str, Any]] = [(p, "requires_grad", p.requires_grad) for p in root.parameters()]
    for module in root.modules():
        values += [(module, k, v) for k, v in vars(module).items() if isinstance(v, (bool, int, float, str))]
    return values


def are_as_they_were(values: list[tuple[object, str, Any]]) -> bool:
    """Whether no value of :func:`plain_values` has changed."""
    return all(getattr(whose, key, None) == value for whose, key, value in values)


def places(step: TrainingStep) -> dict[str, int]:
    """Where in memory the tensors are that a step reads and writes."""
    tensors: dict[str, Tensor] = {}
    for part in ("net", "loss"):
        root = step.model.get_submodule(part)
        tensors |= dict(root.named_parameters(prefix=part)) | dict(root.named_buffers(prefix=part))
    for number, state in enumerate(step.optimizer.state.values()):
        tensors |= {f"optimizer.{number}.{key}": value for key, value in state.items() if isinstance(value, Tensor)}
    tensors |= {f"scores.{number}": value for number, value in enumerate(sums(step))}
    return {name: tensor.data_ptr() for name, tensor in tensors.items()}


def sums(step: TrainingStep) -> tuple[Tensor, ...]:
    """What the scores of a step have counted, where it lies."""
    return () if step.scores is None else step.scores.sums


def seen_from_outside(step: TrainingStep) -> dict[str, Any]:
    """What a step may not change, as a graph would not: attributes, places of tensors, generators of the CPU."""
    generators = {
        "Python's random numbers": random.getstate(),
        "NumPy's random numbers": str(np.random.get_state(legacy=False)),
        "the random numbers of the CPU": torch.get_rng_state().tolist(),
    }
    plain = [value for part in ("net", "loss") for value in plain_values(step.model.get_submodule(part))]
    attributes = {f"{key} of {type(whose).__name__} {id(whose)}": value for whose, key, value in plain}
    return attributes | {f"the place of {name}": place for name, place in places(step).items()} | generators
