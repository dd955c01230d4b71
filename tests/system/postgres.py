"""A real PostgreSQL on loopback, in a temporary directory."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.system.service import Service

USER = "postgres"  # the server refuses to run as root


def why_not() -> str | None:
    """Why PostgreSQL cannot run here, in words."""
    if _binaries() is None:
        return "no PostgreSQL server here: apt-get install postgresql"
    if shutil.which("setpriv") is None:
        return "PostgreSQL needs setpriv: apt-get install util-linux"
    if os.geteuid() == 0:
        try:
            pwd.getpwnam(USER)
        except KeyError:
            return f"PostgreSQL refuses to run as root, and there is no user {USER}"
    return None


class Postgres(Service):
    """A server that trusts everybody on this machine.

    Attributes:
        url: of an empty database, for SQLAlchemy.
    """

    prefix = "postgres"

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binaries, data, log = _binaries(), self.folder / "data", self.folder / "log"
        if binaries is None:
            raise RuntimeError(why_not())
        become: list[str] = []
        if os.geteuid() == 0:
            shutil.chown(self.folder, USER, pwd.getpwnam(USER).pw_gid)
            become = ["--reuid", USER, "--regid", USER, "--init-groups"]
        # Nothing stays where pytest itself is killed: SIGINT is a server's fast shutdown.
        as_user = ["setpriv", *become, "--pdeathsig", "INT"]
        places: dict[str, Any] = {
            "cwd": self.folder,
            "stdin": subprocess.DEVNULL,
            "env": {**os.environ, "LC_ALL": "C"},
        }
        initdb = (binaries / "initdb", "--auth=trust", "--no-sync", "--encoding=UTF8", f"--username={USER}", data)
        made = subprocess.run([*as_user, *initdb], capture_output=True, text=True, timeout=60, **places)
        if made.returncode:
            raise RuntimeError(f"initdb: {made.stdout}{made.stderr}")
        port = _free_port()
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": self.folder,
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "shared_buffers": "16MB",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        with log.open("wb") as file:
            self._process = subprocess.Popen(
                [*as_user, binaries / "postgres", "-D", data, *options],
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for pytest, which then stops the server
                **places,
            )
        ready = (binaries / "pg_isready", "--quiet", "--host=127.0.0.1", f"--port={port}")
        deadline = time.monotonic() + 30
        while subprocess.run(ready, timeout=30).returncode:
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL did not come up\n{log.read_text()}")
            time.sleep(0.05)
        self.url = f"postgresql+psycopg://{USER}@127.0.0.1:{port}/postgres"

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(signal.SIGQUIT)  # immediate shutdown: nobody reads these data again
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def _binaries() -> Path | None:
    """Debian keeps the server of every version out of PATH; the newest is taken."""
    found = shutil.which("postgres")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: float(path.parent.name), reverse=True)
    return next((folder for folder in folders if (folder / "initdb").exists()), None)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]
