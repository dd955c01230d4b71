"""Two hosts on one machine: network namespaces with names and addresses of their own, joined by a cable to cut."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from typing import Any

from tests.system.service import Service

BINARIES = ("ip", "unshare", "setpriv", "mount", "hostname")
# Both ends of the cable lie in the namespaces, so that every pair of hosts may have the same addresses.
ADDRESSES = ("10.77.0.1", "10.77.0.2")
NAMES = ("host-0", "host-1")
# Every step execs the next, so that the process started is the command itself. /etc/hosts is replaced for it alone.
ENTER = 'hostname "$1" && mount --bind "$2" /etc/hosts && shift 2 && exec setpriv --pdeathsig TERM "$@"'


def why_not() -> str | None:
    """Why there can be no two hosts here, in words."""
    missing = [name for name in BINARIES if shutil.which(name) is None]
    if missing:
        return f"two hosts need {', '.join(missing)}: apt-get install iproute2 util-linux mount hostname"
    if os.geteuid() != 0:
        return "network namespaces need root"
    try:
        with TwoHosts() as hosts, hosts.popen(0, "true", stderr=subprocess.PIPE) as process:
            message = process.communicate(timeout=30)[1]
    except RuntimeError as error:
        return f"no network namespaces here: {error}"
    return f"no network namespaces here: {message.strip()}" if process.returncode else None


class TwoHosts(Service):
    """Hosts 0 and 1, which see each other and nothing else.

    A process there finds its own host's name and the other's as on a cluster, so that neither gloo nor torchrun has to
    be told of interfaces or addresses.
    """

    prefix = "hosts"
    addresses = ADDRESSES
    names = NAMES

    def __init__(self) -> None:
        self._processes: list[subprocess.Popen[str]] = []
        self._namespaces: list[str] = []

    def popen(
        self, host: int, *command: str, env: dict[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Start a command on a host, with ``env`` on top of this process's environment."""
        enter = ("unshare", "--uts", "sh", "-c", ENTER, "sh", NAMES[host], str(self.folder / "hosts"))
        process = subprocess.Popen(
            ("ip", "netns", "exec", self._namespaces[host], *enter, *command),
            env={**os.environ, **(env or {})},
            text=True,
            start_new_session=True,
            **options,
        )
        self._processes.append(process)
        return process

    def cut(self, host: int) -> None:
        """Take a host's link down. The other host's link loses its carrier."""
        self._ip("-netns", self._namespaces[host], "link", "set", "eth0", "down")

    def mend(self, host: int) -> None:
        self._ip("-netns", self._namespaces[host], "link", "set", "eth0", "up")
        self._await_carrier()

    def start(self) -> None:
        self._namespaces = [f"{self.folder.name}-{host}" for host in (0, 1)]
        hosts = [f"{address} {name}\n" for address, name in zip(ADDRESSES, NAMES, strict=True)]
        (self.folder / "hosts").write_text("".join(["127.0.0.1 localhost\n", *hosts]))
        for namespace in self._namespaces:
            self._ip("netns", "add", namespace)
        first, second = self._namespaces
        ends = ("eth0", "netns", first, "type", "veth", "peer", "name", "eth0", "netns", second)
        self._ip("link", "add", *ends)
        for namespace, address in zip(self._namespaces, ADDRESSES, strict=True):
            self._ip("-netns", namespace, "address", "add", f"{address}/24", "dev", "eth0")
            self._ip("-netns", namespace, "link", "set", "lo", "up")
            self._ip("-netns", namespace, "link", "set", "eth0", "up")
        self._await_carrier()

    def _await_carrier(self, timeout: float = 10) -> None:
        """The kernel looks at links once a second where they have just changed, and drops packets until it has."""
        deadline = time.monotonic() + timeout
        for namespace in self._namespaces:
            while "state UP" not in self._ip("-netns", namespace, "link", "show", "eth0"):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"the link of {namespace} did not come up")
                time.sleep(0.02)

    def stop(self) -> None:
        for process in self._processes:
            process.kill()  # it may not have entered its namespace yet
        for namespace in self._namespaces:
            with contextlib.suppress(RuntimeError):  # it was never made
                while pids := self._ip("netns", "pids", namespace).split():
                    for pid in pids:
                        with contextlib.suppress(ProcessLookupError):
                            os.kill(int(pid), signal.SIGKILL)
                    time.sleep(0.02)
                self._ip("netns", "delete", namespace)
        for process in self._processes:
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _ip(self, *arguments: str) -> str:
        result = subprocess.run(("ip", *arguments), capture_output=True, text=True, timeout=30)
        if result.returncode:
            raise RuntimeError(f"ip {' '.join(arguments)}: {result.stderr.strip()}")
        return result.stdout
