"""In which form a loss is evaluated: the plain one, or a closed form in one of two ways."""

from __future__ import annotations

import functools
import os
import shutil
import sysconfig
from importlib.util import find_spec

import torch
from torch import Tensor

from entreg.losses.closed_form import Blocks
from entreg.losses.coefficients import Coefficients
from entreg.losses.fused import ClosedForm
from entreg.losses.plain import Reduction, Spec

WORTHWHILE = 2**17  # logits: with fewer, what a node written in Python costs outweighs what it saves


def form_for(
    logits: Tensor, target: Tensor, spec: Spec, reduction: Reduction, fused: bool | None = None
) -> ClosedForm | None:
    """Return the closed form in the way that suits, or ``None`` for the plain form.

    Args:
        logits: ``(N, C, ...)``.
        target: class indices or probabilities.
        spec: what is computed.
        reduction: ``"none"``, ``"mean"`` or ``"sum"``.
        fused: whether in closed form; ``None``: where that is faster, which it is where logits are many, and always as
            kernels, which are fewer launches.
    """
    if fused is False:
        return None
    if _runs_as_kernels(logits, target):
        from entreg.losses.launch import Kernels

        return Kernels(spec, reduction)
    return Blocks(spec, reduction) if fused or logits.numel() >= WORTHWHILE else None


def kernels_take(module: Coefficients, logits: Tensor, target: Tensor, reduction: Reduction) -> bool:
    """Whether kernels compute the coefficients too: simple ones, of samples that are summed and not too many."""
    if reduction == "none" or not module.simple or not _runs_as_kernels(logits, target):
        return False
    from entreg.losses.launch import FEW

    return logits.shape[0] <= FEW


def _runs_as_kernels(logits: Tensor, target: Tensor) -> bool:
    """Whether there are kernels for these; they are imported on CUDA alone."""
    if not logits.is_cuda or not _can_compile():
        return False
    from entreg.losses import launch

    return launch.fits(logits, target)


@functools.cache
def _can_compile() -> bool:
    """Whether there is Triton, and what it needs to launch anything: a C compiler and Python's headers."""
    compiler = os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")
    folders = {sysconfig.get_path("include", scheme) for scheme in (sysconfig.get_default_scheme(), "posix_prefix")}
    headers = any(os.path.isfile(os.path.join(folder, "Python.h")) for folder in folders)
    recent = torch.cuda.get_device_capability() >= (7, 0)
    return find_spec("triton") is not None and compiler is not None and headers and recent
