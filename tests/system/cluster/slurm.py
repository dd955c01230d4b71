"""A real SLURM of one node on loopback: its own munged, slurmctld and slurmd, in a temporary directory."""

from __future__ import annotations

import contextlib
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

from tests.system.service import Service

ENDED = ("COMPLETED", "FAILED", "CANCELLED", "TIMEOUT", "NODE_FAIL", "OUT_OF_MEMORY", "PREEMPTED", "DEADLINE")
BINARIES = ("setpriv", "munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "scancel", "squeue")
# Debian has the daemons where an ordinary user's PATH does not look.
PATH = os.pathsep.join(dict.fromkeys([*os.environ.get("PATH", os.defpath).split(os.pathsep), "/usr/sbin", "/sbin"]))

# NodeName=localhost is what SLURM_NODELIST holds, which Lightning takes as the main address: it resolves everywhere.
# The two CPUs are declared, whatever the machine has; a job takes the CPUs it asks for, so two small ones run at once.
# Lightning takes a port from the last four digits of a job's id, so two clusters at once must not count alike.
# cred_expire is also how long a requeued job waits before it starts again: two minutes unless told.
CONFIG = """
ClusterName=test
FirstJobId={first_job}
SlurmctldHost=localhost(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
{binding}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
MailProg=/bin/true
PropagateResourceLimits=NONE
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,sched_min_interval=100000,batch_sched_delay=0,bf_interval=1
ReturnToService=2
JobRequeue=1
KillWait=3
MinJobAge=600
NodeName=localhost NodeAddr=127.0.0.1 CPUs=2 Sockets=1 CoresPerSocket=2 ThreadsPerCore=1 RealMemory=1024
PartitionName=test Nodes=localhost Default=YES MaxTime=INFINITE State=UP
"""


def why_not() -> str | None:
    """Why SLURM cannot run here, in words."""
    missing = [name for name in BINARIES if shutil.which(name, path=PATH) is None]
    if missing:
        return f"SLURM needs {', '.join(missing)}: apt-get install slurm-wlm munge"
    if os.geteuid() != 0:
        return "SLURM's daemons need root"
    try:
        socket.getaddrinfo(None, "1", socket.AF_INET, socket.SOCK_STREAM, 0, socket.AI_PASSIVE | socket.AI_ADDRCONFIG)
    except OSError:
        return "SLURM finds no address on a machine whose only interface is loopback"
    return None


class Slurm(Service):
    """Jobs run as root in ``workplace``, with this process's environment.

    Attributes:
        environment: for tests that start ``srun`` and the like themselves.
    """

    prefix = "slurm"

    def __init__(self, workplace: Path, **settings: str) -> None:
        """``settings`` are further lines of slurm.conf, such as ``KillWait="30"``."""
        self.workplace = workplace
        self.environment: dict[str, str] = {}
        self._settings = settings
        self._daemons: list[subprocess.Popen[bytes]] = []

    def run(self, *command: str, timeout: float = 60, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run a command in the workplace, where it finds this SLURM."""
        result = subprocess.run(
            command,
            cwd=self.workplace,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
        )
        if check and result.returncode:
            raise RuntimeError(f"{' '.join(command)} ended with {result.returncode}\n{result.stdout}{result.stderr}")
        return result

    def sbatch(self, *arguments: str, script: str | Path) -> str:
        """Submit a script, a path or the text of one; return the job's id."""
        if isinstance(script, str):
            descriptor, name = tempfile.mkstemp(".sh", "job-", self.folder)
            os.close(descriptor)
            text, script = script, Path(name)
            script.write_text(text if text.startswith("#!") else f"#!/bin/bash\n{text}")
        return self.run("sbatch", "--parsable", *arguments, str(script)).stdout.strip()

    def show(self, job: str) -> dict[str, str]:
        """What SLURM knows of a job, or of an array's task such as ``7_1``."""
        return dict(re.findall(r"([\w:/]+)=(\S*)", self.run("scontrol", "--oneliner", "show", "job", job).stdout))

    def wait(self, job: str, timeout: float = 60, states: Collection[str] = ENDED) -> str:
        """Wait until a job is in one of the states, return which."""
        deadline = time.monotonic() + timeout
        while (about := self.show(job))["JobState"] not in states:
            if time.monotonic() > deadline:
                raise TimeoutError(f"job {job} after {timeout} s: {about}\n{self._logs()}")
            time.sleep(0.1)
        return about["JobState"]

    def output(self, job: str) -> str:
        """What a job has printed until now."""
        path = Path(self.show(job)["StdOut"])
        return path.read_text() if path.exists() else ""

    def start(self) -> None:
        self.environment = {name: value for name, value in os.environ.items() if not _is_of_a_job(name)}
        self.environment |= {"SLURM_CONF": str(self.folder / "slurm.conf"), "PATH": PATH}
        self.folder.chmod(0o755)  # munged wants its clients to reach its socket
        for name in ("state", "spool"):
            (self.folder / name).mkdir()
        key = self.folder / "munge.key"
        key.write_bytes(os.urandom(128))
        key.chmod(0o600)
        controller_port, node_port = _free_ports(2)
        config = CONFIG.format(
            folder=self.folder,
            binding=_binding(),
            first_job=random.randrange(1000, 9000),
            controller_port=controller_port,
            node_port=node_port,
        )
        lines = [line for line in config.splitlines() if line.partition("=")[0] not in self._settings]
        lines += [f"{name}={value}" for name, value in self._settings.items()]
        (self.folder / "slurm.conf").write_text("\n".join(lines) + "\n")
        options = ("key-file=munge.key", "socket=munge.socket", "pid-file=munge.pid", "seed-file=munge.seed")
        places = [f"--{name}={self.folder / file}" for name, file in (option.split("=") for option in options)]
        self._launch("munged", "--foreground", "--force", *places)
        self._until(lambda: (self.folder / "munge.socket").exists())
        self._launch("slurmctld", "-D")
        self._until(lambda: self.run("scontrol", "ping", check=False).returncode == 0)
        self._launch("slurmd", "-D")
        self._until(lambda: "State=IDLE " in self.run("scontrol", "show", "node", "localhost", check=False).stdout)

    def _launch(self, *command: str) -> None:
        with (self.folder / f"{command[0]}.log").open("wb") as log:
            self._daemons.append(
                subprocess.Popen(
                    ("setpriv", "--pdeathsig", "TERM", *command),  # nothing stays where pytest itself is killed
                    cwd=self.folder,
                    env=self.environment,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,  # Ctrl-C is for pytest, which then tears down in order
                )
            )

    def _until(self, condition: Callable[[], bool], timeout: float = 30) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            ended = [daemon for daemon in self._daemons if daemon.poll() is not None]
            if ended or time.monotonic() > deadline:
                raise RuntimeError(f"SLURM did not come up\n{self._logs()}")
            time.sleep(0.05)

    def _logs(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.name}:\n" + "\n".join(log.read_text().splitlines()[-20:]) for log in logs)

    def stop(self) -> None:
        for daemon in reversed(self._daemons):
            daemon.terminate()
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()
        # Jobs outlive the daemons. SLURM would take up to ten seconds to cancel them in its own way.
        while pids := list(self._left()):
            for pid in pids:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.02)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _left(self) -> Iterator[int]:
        """Steps, what jobs have started, and commands of tests: whatever was told of this SLURM and still runs."""
        mark = f"SLURM_CONF={self.folder}/slurm.conf".encode()
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes().split(b"\0"):
                    yield int(path.parent.name)


def _is_of_a_job(variable: str) -> bool:
    return variable.startswith(("SLURM", "SBATCH_", "SRUN_", "SQUEUE_", "SCANCEL_"))


def _binding() -> str:
    """Keep the daemons to loopback where they can be: they bind to what the machine's own name means, or everywhere."""
    with contextlib.suppress(OSError):
        if socket.gethostbyname(socket.gethostname()) == "127.0.0.1":
            return "CommunicationParameters=NoInAddrAny,NoCtldInAddrAny"
    return ""


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
