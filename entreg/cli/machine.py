"""What depends on this machine and this terminal: precision, and which of Lightning's messages are shown."""

from __future__ import annotations

import logging
import warnings
from typing import Any

import torch

from entreg.errors import ConfigError

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
    ".*WeightAveraging callback with a model that overrides.*",  # our networks are not sharded
    ".*WeightAveraging callback, but loading a checkpoint outside.*",  # evaluation takes what was validated
    ".*sync_dist=True.*",  # torchmetrics has synchronised what is logged
    "Synchronization debug mode is a prototype.*",  # it guards the capture of a step
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
    if is_cuda(accelerator):
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        capabilities: dict[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()  # absent from older releases
        fast = bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16"))
    return "bf16-mixed" if fast else "32-true"


def refresh_rate(accelerator: str) -> int:
    """Steps between two updates of the progress bar: on CUDA an update may take longer than a step.

    Args:
        accelerator: as in ``Trainer(accelerator=...)``.
    """
    return 10 if is_cuda(accelerator) else 1


def sync_batchnorm(asked: bool | None, accelerator: str, new: bool) -> bool:
    """Whether BatchNorm takes its statistics over the processes, so that a step is the same on any number of them.

    By default it does on CUDA, where it matters on several devices only. PyTorch has none for the CPU.

    Args:
        asked: what the user says; ``None``: nothing.
        accelerator: as in ``Trainer(accelerator=...)``.
        new: whether this starts a run; one that was trained on CUDA may be looked at on a CPU.

    Raises:
        ConfigError: if a new run asks for it on a CPU.
    """
    cuda = is_cuda(accelerator)
    if not cuda and not (asked and new):
        return False
    if not cuda:
        raise ConfigError(
            "trainer.sync_batchnorm true: PyTorch synchronises BatchNorm on CUDA only; leave it out, then each CPU "
            "process normalises by its own share of the batch"
        )
    return cuda if asked is None else asked


def is_cuda(accelerator: str) -> bool:
    """Whether that is CUDA on this machine."""
    return accelerator in ("auto", "gpu", "cuda") and torch.cuda.is_available()


def quiet() -> None:
    """Silence banners, tips, and advice that does not apply here; warnings of substance stay."""
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.getLogger("lightning.pytorch.profilers").setLevel(logging.INFO)  # whose report is what was asked for
    for message in _NOT_FOR_OUR_USERS:
        warnings.filterwarnings("ignore", message)
