"""Where numbers come from: which versions, which commit and which processor."""

from __future__ import annotations

import importlib.metadata
import platform
import subprocess
from pathlib import Path
from typing import TypedDict

import torch

from entreg.version import __version__


class Environment(TypedDict, total=False):
    """Versions of what the numbers depend on, and the commit of the working directory, ``None`` if it is not in git."""

    versions: dict[str, str]
    git_commit: str | None


def environment() -> Environment:
    """Return what the numbers of this process depend on."""
    packages = ("torch", "torchvision", "lightning", "torchmetrics", "numpy")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {"versions": {"entreg": __version__, **versions}, "git_commit": _git_commit()}


def processor(device: torch.device) -> str:
    """Name of what a device computes with."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text(encoding="utf-8").splitlines() if cpuinfo.is_file() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())


def _git_commit() -> str | None:
    try:
        git = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return None
    return git.stdout.strip() or None
