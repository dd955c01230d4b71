"""What depends on this machine and this terminal: precision, and which of Lightning's messages are shown."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import torch

_NOT_FOR_OUR_USERS = (
    "LightningCLI's args parameter.*",  # main(argv) is our own command line
    ".*does not have many workers.*",  # images in memory need none
    ".*`srun` command is available.*",
    ".*Checkpoint directory .* exists and is not empty.*",  # a run that is resumed
    ".*is smaller than the logging interval.*",
    ".*with `?devices=1`? .*recommended.*",  # our evaluation sees each sample once on any number of devices
    ".*`isinstance\\(treespec, LeafSpec\\)` is deprecated.*",
    ".*was called before the ``update`` method.*",  # the states were restored from a checkpoint
    ".*callbacks used to create the checkpoint need to be provided.*",  # evaluation needs none of them
    ".*sync_dist=True.*",  # torchmetrics has synchronised what is logged
)


def best_accelerator(accelerator: str) -> str:
    """Resolve ``auto`` to the CPU where it would be Apple's GPU, which lacks the float64 that the metrics sum in."""
    if accelerator == "auto" and torch.backends.mps.is_available() and not torch.cuda.is_available():
        return "cpu"
    return accelerator


def best_precision(accelerator: str) -> str:
    """``bf16-mixed`` where the hardware multiplies bfloat16, else ``32-true``.

    Args:
        accelerator: as in ``Trainer(accelerator=...)``.
    """
    if accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # absent from older releases
        fast = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return "bf16-mixed" if fast else "32-true"


def quiet() -> None:
    """Silence banners, tips, and advice that does not apply here; warnings of substance stay."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.WARNING)
    for message in _NOT_FOR_OUR_USERS:
        warnings.filterwarnings("ignore", message)
