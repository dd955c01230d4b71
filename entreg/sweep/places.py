"""The places of one machine: what each of several trials that are trained at once may use of it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from entreg.cluster import SHARE


@dataclass(frozen=True)
class Place:
    """Where one trial at a time is trained.

    Args:
        cpus: that its processes may run on; empty: on all.
        environment: what its trials find in their environment besides the usual.
    """

    cpus: frozenset[int] = frozenset()
    environment: Mapping[str, str] = field(default_factory=dict)


def share_out(workers: int, spread: bool) -> list[Place]:
    """Divide cores, threads and memory of this machine evenly; a worker alone is left all, as if nobody divided.

    Cores are those that this process may run on, threads as many, or what ``OMP_NUM_THREADS`` grants to the whole
    command. Each trial is told by ``ENTREG_SHARE`` among how many the memory of its GPU is divided.

    Args:
        workers: number of places.
        spread: whether the GPUs are dealt out one by one; else each trial sees all.
    """
    if workers == 1:
        return [Place()]
    cpus = _cpus()
    gpus = visible_gpus() if spread else []
    granted = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0]
    threads = max(1, (int(granted) if granted.isdecimal() else len(cpus)) // workers)
    common = {"OMP_NUM_THREADS": str(threads), SHARE: str(-(-workers // max(1, len(gpus))))}
    places = []
    for number in range(workers):
        own = cpus[number * len(cpus) // workers : (number + 1) * len(cpus) // workers]
        gpu = {"CUDA_VISIBLE_DEVICES": gpus[number % len(gpus)]} if gpus else {}
        places.append(Place(frozenset(own or [cpus[number % len(cpus)]]), {**common, **gpu}))
    return places


def pin(pid: int, place: Place) -> None:
    """Keep a process, and what it starts, to the cores of its place, where the system can do that."""
    setaffinity: Any = getattr(os, "sched_setaffinity", None)
    if place.cpus and setaffinity is not None:
        setaffinity(pid, place.cpus)


def visible_gpus() -> list[str]:
    """GPUs of this process as ``CUDA_VISIBLE_DEVICES`` names them; counting makes no context on any."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is not None:
        return [name for name in named.split(",") if name and name != "-1"]
    import torch

    return [str(number) for number in range(torch.cuda.device_count())]


def _cpus() -> list[int]:
    getaffinity: Any = getattr(os, "sched_getaffinity", None)
    return sorted(getaffinity(0)) if getaffinity is not None else list(range(os.cpu_count() or 1))
