"""A CUDA graph on a CPU: the operations of one step, recorded with the tensors they touched, done again on these."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten

from entreg.step import CapturedStep, TrainingStep
from entreg.step import captured as module

VIEWS = ("aten.detach.default", "aten.t.default")  # they look at memory and change none


class Recording(TorchDispatchMode):
    """Notes every operation."""

    def __init__(self) -> None:
        super().__init__()
        self.operations: list[tuple[Any, tuple[Any, ...], dict[str, Any], Any]] = []

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        result = operation(*args, **(kwargs or {}))
        self.operations.append((operation, args, kwargs or {}, result))
        return result


class Recorded:
    """Does recorded operations again: what a graph would not do again, such as Python's own decisions, is not done."""

    def __init__(self, recording: Recording) -> None:
        self.operations = [entry for entry in recording.operations if str(entry[0]) not in VIEWS]

    def replay(self) -> None:
        with torch.no_grad():
            for operation, args, kwargs, result in self.operations:
                again = operation(*args, **kwargs)
                inputs = {_storage(x) for x in tree_flatten((args, kwargs))[0] if isinstance(x, Tensor)}
                for place, value in zip(tree_flatten(result)[0], tree_flatten(again)[0], strict=True):
                    if isinstance(place, Tensor) and place is not value and _storage(place) not in inputs:
                        place.detach().copy_(value)


def _storage(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()


def capture(step: TrainingStep) -> CapturedStep:
    """Capture as :func:`entreg.step.capture` does on a GPU: warm up, then record."""
    rates = [torch.zeros(()) for _ in step.optimizer.param_groups]
    with module._without_trace(step), module._rates_in_memory(step.optimizer, rates):
        step()
        step()
        with Recording() as recording:
            step()
    return CapturedStep(step, rates, Recorded(recording))  # type: ignore[arg-type]
