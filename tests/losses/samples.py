"""Inputs and parametrisations that the tests of the loss modules share."""

from __future__ import annotations

import pytest
import torch
from hypothesis import settings
from torch import Tensor

from entreg.losses import CrossEntropyLoss, MinEntLoss, MixEntLoss

FIXED = {"constraint": "fixed", "learn_bases": False}
PARTS_OF = {"ce": ("ce",), "entropy": ("entropy",), "kl": ("kl",), "rce": ("entropy", "kl")}
LOSSES = [CrossEntropyLoss, MinEntLoss, MixEntLoss]
losses = pytest.mark.parametrize("cls", LOSSES)
learnt_losses = pytest.mark.parametrize("cls", [MinEntLoss, MixEntLoss])
targets = pytest.mark.parametrize("target_kind", ["hard", "soft"])
examples = settings(max_examples=50, deadline=None)


def sample(target_kind: str = "hard", dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(6, 4, generator=generator, dtype=dtype) * 2
    if target_kind == "hard":
        return logits, torch.randint(4, (6,), generator=generator)
    return logits, torch.randn(6, 4, generator=generator, dtype=dtype).softmax(1)


def p_y(logits: Tensor, target: Tensor) -> Tensor:
    return logits.softmax(1).gather(1, target[:, None])[:, 0]
