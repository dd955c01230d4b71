"""A cache of compiled kernels, one plan for each kind of call.

At sizes of everyday training a launch costs more than the kernel's work, as Triton looks at every argument of every
call to find the compiled kernel again. A plan keeps the compiled kernels of its kind of call and launches these.
"""

from __future__ import annotations

import functools
from collections.abc import Hashable
from typing import Any

import torch
import triton
from torch import Tensor

from entreg.losses import kernels
from entreg.losses.plain import Coefficient, Spec

LARGEST_BLOCK = 4096  # classes, or samples, at once: 16 of each thread
WITH_SUMS = "with the sums"  # kind of a coefficient that is computed with them
NONE = "none"  # kind of a coefficient that is 0, and that of a term that is not there
_KEEPS = tuple(map(int, triton.__version__.split(".")[:2])) >= (3, 3)  # before, a compiled kernel has other arguments

Kind = tuple[torch.dtype, int, bool]


class Plan:
    """The launches for calls that differ in the values of their tensors alone.

    Args:
        numbers: arguments that the kernels of the loss and of its gradient have besides tensors.
        block: how many classes a program looks at at once.
    """

    def __init__(self, numbers: tuple[Any, ...], block: int) -> None:
        self.numbers = numbers
        self.block = block
        self._compiled: dict[Hashable, Any] = {}

    def launch(
        self, kernel: Any, variant: Hashable, grid: tuple[int, int, int], arguments: tuple[Any, ...], block: int
    ) -> None:
        """Launch a kernel.

        Args:
            kernel: which.
            variant: its name, and what Triton compiles anew for besides what the plan is of.
            grid: numbers of programs.
            arguments: all that it has, in their order.
            block: elements of a program.
        """
        compiled = self._compiled.get(variant)
        if compiled is not None:
            compiled[grid](*arguments)
            return
        compiled = kernel[grid](*arguments, num_warps=max(1, min(8, block // 256)))  # 8 elements or more of each thread
        if _KEEPS and compiled is not None:  # the interpreter compiles nothing
            self._compiled[variant] = compiled


@functools.lru_cache(maxsize=256)
def plan(
    spec: Spec,
    shape: tuple[int, int],
    soft: bool,
    weighted: bool,
    coefficients: tuple[Hashable, ...],
    device: int,
    logits: Kind,
    target: Kind,
    weight: Kind,
) -> Plan:
    """Return the plan of one kind of call: whatever Triton compiles anew for is an argument.

    Args:
        spec: what is computed.
        shape: of the logits.
        soft: whether the target is given as probabilities.
        weighted: whether there are class weights.
        coefficients: kind of those of CE, H and RCE, by :func:`kind_of_coefficient`, or :data:`WITH_SUMS`.
        device: where it runs.
        logits: kind of the logits, by :func:`kind`.
        target: kind of the target.
        weight: kind of the class weights.
    """
    samples, classes = shape
    numbers = (logits[1], target[1], samples, classes, spec.eps, spec.ignore_index, spec.label_smoothing)
    origins = (_origin(each) for each in coefficients)
    asked = (soft, spec.dense, spec.entropy, spec.rce, weighted, spec.unlabelled)
    return Plan((*numbers, *origins, *asked, block_of(classes)), block_of(classes))


def block_of(count: int) -> int:
    """How many of so many are looked at at once: a power of 2."""
    return min(1 << (count - 1).bit_length(), LARGEST_BLOCK)


def kind(tensor: Tensor) -> Kind:
    """Return what Triton compiles anew for: dtype, stride, and whether 16 bytes can be read at once."""
    return tensor.dtype, tensor.stride(0), aligned(tensor)


def kind_of_coefficient(coefficient: Coefficient) -> Hashable:
    """Return what Triton compiles anew for: dtype of a tensor, type of a number, or :data:`NONE` for 0."""
    if isinstance(coefficient, Tensor):
        return coefficient.dtype
    return NONE if coefficient == 0 else type(coefficient).__name__


def aligned(tensor: Tensor) -> bool:
    """Whether a tensor begins where 16 bytes can be read at once, which Triton makes use of."""
    return tensor.data_ptr() % 16 == 0


def _origin(coefficient: Hashable) -> int:
    """Say where the kernels find a coefficient of this kind."""
    if isinstance(coefficient, torch.dtype):
        return int(kernels.IN_MEMORY.value)
    if coefficient == WITH_SUMS:
        return int(kernels.BEHIND_SUMS.value)
    return int(kernels.NOWHERE.value if coefficient == NONE else kernels.GIVEN.value)
