"""Compile the kernels for an H100 without one: Triton's compiler refuses what its interpreter lets pass.

A program of its own, as Triton is either the one or the other in a process: ``python -m tests.losses.compiled``.
"""

from __future__ import annotations

import itertools
import json
from collections import Counter
from typing import Any

import torch
import triton
from torch import Tensor
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from entreg.losses import EntropyRegularizedLoss, MixEntLoss, Term, choice, launch
from entreg.losses.functional import entropy_regularized
from entreg.losses.plans import Plan

H100 = GPUTarget("cuda", 90, 32)
TYPES = {
    torch.float32: "*fp32", torch.bfloat16: "*bf16", torch.float16: "*fp16", torch.int64: "*i64", float: "fp32",
    int: "i32",
}  # fmt: skip
COUNTED: Counter[str] = Counter()


def compile_instead(
    plan: Plan, kernel: Any, variant: object, grid: object, arguments: tuple[Any, ...], block: int
) -> None:
    """Compile a kernel as it would be for these arguments, and launch nothing."""
    signature, constants = {}, {}
    for i, (parameter, value) in enumerate(zip(kernel.params, arguments, strict=True)):
        kind = TYPES[value.dtype if isinstance(value, Tensor) else float if isinstance(value, float) else int]
        signature[parameter.name] = "constexpr" if parameter.is_constexpr else kind
        if parameter.is_constexpr:
            constants[(i,)] = value
    code = triton.compile(ASTSource(kernel, signature, constants), H100).asm["ptx"]
    assert ".f64" not in code, f"{kernel.__name__} computes in float64 for {arguments}"
    COUNTED[kernel.__name__] += 1


def main() -> None:
    """Compile every kind of call once."""
    choice._runs_as_kernels = launch.fits
    Plan.launch = compile_instead  # type: ignore[method-assign]
    for soft, others in itertools.product((False, True), (False, True)):
        target = torch.full((4, 30), 1 / 30) if soft else torch.arange(4)
        options = {"weight": torch.ones(30), "unlabelled": True, "label_smoothing": 0.1} if others else {}
        dtype = torch.bfloat16 if others else torch.float32
        for options["reduction"] in ("mean", "none"):
            logits = torch.randn(4, 30, dtype=dtype, requires_grad=True)
            c = torch.tensor(0.3, requires_grad=others)
            entropy_regularized(logits, target, ce=0.5, entropy=c, rce=0.2, **options).sum().backward()
    terms = {"ce": Term(0.7), "entropy": Term(0.4, learn_weight=False), "rce": Term(0.2)}
    for loss in (MixEntLoss(), MixEntLoss(constraint="softplus"), EntropyRegularizedLoss(**terms, constraint="exp")):
        loss(torch.randn(4, 30, dtype=torch.float16, requires_grad=True), torch.arange(4)).backward()
    print(json.dumps(COUNTED))


if __name__ == "__main__":
    main()
