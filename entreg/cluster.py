"""Who started this process: a shell, ``torchrun``, ``srun`` or a W&B agent; and the run id its processes agree on."""

from __future__ import annotations

import os
import re
import secrets
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NamedTuple

from entreg.errors import ConfigError

_RUN_ID = "ENTREG_RUN_ID"
STOP_SIGNALS = (signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP, signal.SIGINT)  # after which work can go on later
SHARE = "ENTREG_SHARE"  # among how many runs the memory of a GPU is divided


class Launch(NamedTuple):
    """Processes that a launcher has started: on each node, and the number of nodes."""

    devices: int
    num_nodes: int


def launch() -> Launch | None:
    """Return how ``torchrun`` or ``srun`` has laid out the processes; ``None`` if neither started this one.

    Raises:
        ConfigError: in a SLURM job of several tasks that was not started through ``srun``: each process would wait
            for the others forever.
    """
    environment = os.environ
    if "TORCHELASTIC_RUN_ID" in environment:
        devices = int(environment["LOCAL_WORLD_SIZE"])
        return Launch(devices, int(environment["WORLD_SIZE"]) // devices)
    if not in_slurm():
        return None
    tasks, nodes = int(environment["SLURM_NTASKS"]), int(environment.get("SLURM_NNODES", 1))
    if tasks > 1 and not _started_by_srun():
        raise ConfigError(f"this SLURM job has {tasks} tasks and entreg was started without srun: srun entreg ...")
    if tasks % nodes:
        raise ConfigError(f"{tasks} SLURM tasks on {nodes} nodes: give each node as many, --ntasks-per-node")
    return Launch(tasks // nodes, nodes)


def in_slurm() -> bool:
    """Whether this process belongs to a SLURM job that is not an interactive shell."""
    return "SLURM_NTASKS" in os.environ and os.environ.get("SLURM_JOB_NAME") not in ("bash", "interactive")


def launch_id() -> str | None:
    """Return the run id that the processes of this launch share and keep when they are requeued or restarted.

    It is the parent's where Lightning or a W&B agent started the process, made of cluster, job and step under
    ``srun``, and agreed on through ``torchrun``'s store. ``None`` for a process of its own.
    """
    environment = os.environ
    if _RUN_ID in environment:
        return environment[_RUN_ID]
    if "WANDB_SWEEP_ID" in environment and "WANDB_RUN_ID" in environment:
        return check_id(environment["WANDB_RUN_ID"])
    if in_slurm() and _started_by_srun():
        place = (
            environment.get("SLURM_CLUSTER_NAME", "slurm"),
            environment["SLURM_JOB_ID"],
            environment["SLURM_STEP_ID"],
        )
        return re.sub(r"[^A-Za-z0-9_.]+", "_", "_".join(place))
    if "TORCHELASTIC_RUN_ID" in environment:
        return _agreed_in_torchrun()
    return None


def check_id(run_id: str) -> str:
    """Return ``run_id`` if it can end a folder's name.

    Raises:
        ConfigError: if it cannot.
    """
    if not re.fullmatch(r"[A-Za-z0-9_.]+", run_id):
        raise ConfigError(f"--id {run_id}: an id is made of letters, digits, _ and .")
    return run_id


def sharers() -> int:
    """Among how many runs the memory of a GPU is divided, this one included: what ``entreg sweep --workers`` says.

    Raises:
        ConfigError: if ``ENTREG_SHARE`` is no such number.
    """
    said = os.environ.get(SHARE, "1")
    if not said.isdecimal() or int(said) < 1:
        raise ConfigError(f"{SHARE}={said}: expected the number of runs that share a GPU, >= 1")
    return int(said)


def cluster_plugins() -> list[Any]:
    """What Lightning's Trainer needs to know of the cluster.

    Requeueing is not left to Lightning: its handler would save in the middle of a step.

    Raises:
        ConfigError: if the layout of the job is one that Lightning does not take.
    """
    from lightning.fabric.plugins.environments.slurm import SLURMEnvironment

    if not in_slurm() or "TORCHELASTIC_RUN_ID" in os.environ:
        return []
    try:
        return [SLURMEnvironment(auto_requeue=False)]
    except RuntimeError as error:
        raise ConfigError(str(error)) from error


def lost_touch(error: RuntimeError) -> bool:
    """Whether the error is that a process of the same training does not answer.

    NCCL's has a class of its own; gloo's are told by the file of its transport that they name.
    """
    from torch.distributed import DistError

    return isinstance(error, DistError) or "gloo/transport" in str(error)


def requeued(signum: int) -> str | None:
    """Hand the job back to SLURM where the signal asks for it, and say so; ``None`` if it will not start it again."""
    environment = os.environ
    if signum != signal.SIGUSR1 or "SLURM_JOB_ID" not in environment:
        return None
    job = environment["SLURM_JOB_ID"]
    if "SLURM_ARRAY_JOB_ID" in environment:  # its last task has the array's own id, which would requeue every task
        job = f"{environment['SLURM_ARRAY_JOB_ID']}_{environment['SLURM_ARRAY_TASK_ID']}"
    try:
        subprocess.run(["scontrol", "requeue", job], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError) as error:  # as in a container without SLURM's commands
        reason = error.stderr if isinstance(error, subprocess.CalledProcessError) else str(error)
        print(f"SLURM does not requeue this job: {' '.join(reason.split())}")
        return None
    return f"SLURM starts job {environment['SLURM_JOB_ID']} again"


@contextmanager
def shared_with_children(run_id: str) -> Iterator[None]:
    """Hand the run's id to the processes that a distributed launch starts meanwhile."""
    before = os.environ.get(_RUN_ID)
    os.environ[_RUN_ID] = run_id
    try:
        yield
    finally:
        if before is None:
            del os.environ[_RUN_ID]
        else:
            os.environ[_RUN_ID] = before


def _started_by_srun() -> bool:
    return "SLURM_STEP_ID" in os.environ


def _agreed_in_torchrun() -> str:
    from torch.distributed import TCPStore  # type: ignore[attr-defined]

    if os.environ.get("TORCHELASTIC_USE_AGENT_STORE") != "True":
        raise ConfigError("torchrun shares no store here, through which its processes agree on a run: add --id NAME")
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    store = TCPStore(address, port, is_master=False, timeout=timedelta(seconds=60))
    return store.compare_set("entreg/run-id", "", secrets.token_hex(4)).decode()  # what the first process sets stays
