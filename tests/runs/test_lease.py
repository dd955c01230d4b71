from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from entreg.errors import Interrupted, RunError
from entreg.runs import lease
from entreg.runs.lease import Lease, Watch, holder_of


def die_with_a_lease(path: Path) -> int:
    """Start a process that takes a lease and ends without letting go; return its id, for which nobody waits yet."""
    if pid := os.fork():
        return pid
    try:
        Lease(path).__enter__()
    finally:
        os._exit(0)


def write_holder(folder: Path, machine: str = "elsewhere", pid: int = 1) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "lease.json"
    path.write_text(f'{{"token": "t", "host": "h", "machine": "{machine}", "pid": {pid}, "started": "1"}}')
    return path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease, "RENEWED_EVERY", 0.05)
    monkeypatch.setattr(lease, "EXPIRES_AFTER", 0.4)


def test_a_lease_is_held_by_one_and_leaves_nothing(tmp_path: Path) -> None:
    with Lease(tmp_path / "lease.json"):
        with pytest.raises(Interrupted, match=f"process {os.getpid()} on .* is at it"), Lease(tmp_path / "lease.json"):
            pass
        assert not Watch().is_stale(tmp_path / "lease.json")
        (ages := tmp_path / "lease.json").touch()
        os.utime(ages, (0, 0))  # no clock counts on the same machine
        assert not Watch().is_stale(ages)
    assert holder_of(tmp_path / "lease.json") is None
    with Lease(tmp_path / "lease.json"):
        pass


def test_a_dead_process_holds_nothing(tmp_path: Path) -> None:
    os.waitpid(die_with_a_lease(tmp_path / "lease.json"), 0)
    assert holder_of(tmp_path / "lease.json") is not None
    assert Watch().is_stale(tmp_path / "lease.json")
    with Lease(tmp_path / "lease.json"):
        pass


def test_a_process_that_is_dead_but_not_waited_for_holds_nothing(tmp_path: Path) -> None:
    pid = die_with_a_lease(tmp_path / "lease.json")
    deadline = time.monotonic() + 60
    while not Watch().is_stale(tmp_path / "lease.json") or holder_of(tmp_path / "lease.json") is None:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.waitpid(pid, 0)


@pytest.mark.usefixtures("quick")
def test_another_machine_is_given_time_to_show_that_it_lives(tmp_path: Path) -> None:
    write_holder(tmp_path)
    started = time.monotonic()
    with Lease(tmp_path / "lease.json"):
        assert time.monotonic() - started > 0.4


@pytest.mark.usefixtures("quick")
def test_another_machine_that_renews_keeps_its_lease(tmp_path: Path) -> None:
    path = write_holder(tmp_path)
    ahead = time.time() + 3600  # its clock is an hour fast
    os.utime(path, (ahead, ahead))
    watch = Watch()
    assert not watch.is_stale(path)
    os.utime(path, (ahead + 1, ahead + 1))
    assert not watch.is_stale(path)
    time.sleep(0.5)
    assert watch.is_stale(path)


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("hidden", [FileNotFoundError, PermissionError])
def test_of_a_process_that_the_system_hides_renewals_tell(
    hidden: type[OSError], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of another user is where /proc is mounted with hidepid."""

    def kill(pid: int, signum: int) -> None:
        raise PermissionError

    def read_text(path: Path, **_: object) -> str:
        if path.name == "stat":
            raise hidden
        return path.read_bytes().decode()

    with Lease(tmp_path / "lease.json"):
        monkeypatch.setattr(os, "kill", kill)
        monkeypatch.setattr(Path, "read_text", read_text)
        watch = Watch()
        for _ in range(6):
            assert not watch.is_stale(tmp_path / "lease.json")
            time.sleep(0.1)
        with pytest.raises(Interrupted, match="is at it"), Lease(tmp_path / "lease.json"):
            pass
    write_holder(tmp_path, lease._machine())
    with Lease(tmp_path / "lease.json"):
        pass


@pytest.mark.usefixtures("quick")
def test_a_lease_is_given_back_under_its_lock(tmp_path: Path) -> None:
    held = Lease(tmp_path / "lease.json").__enter__()
    with FileLock(tmp_path / ".lease.json.lock"):  # of one that looks whether it may take over
        held.__exit__(None, None, None)
    assert holder_of(tmp_path / "lease.json") is not None


@pytest.mark.usefixtures("quick")
def test_a_holder_that_stood_still_notices_that_it_was_replaced(tmp_path: Path) -> None:
    with Lease(tmp_path / "lease.json") as held:
        held.check()
        write_holder(tmp_path)
        with pytest.raises(Interrupted, match="another process goes on with this"):
            held.check()
    assert holder_of(tmp_path / "lease.json") is not None  # the other's


def test_a_server_that_is_away_for_a_moment_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Lease(tmp_path / "lease.json") as held:
        with monkeypatch.context() as away:
            away.setattr(lease, "holder_of", fails)
            held.check()
        held.check()


def fails(*_: object) -> None:
    raise OSError("Stale file handle")


@pytest.mark.usefixtures("quick")
def test_a_holder_that_cannot_renew_for_long_takes_the_lease_for_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Lease(tmp_path / "lease.json") as held:
        monkeypatch.setattr(os, "utime", fails)
        time.sleep(0.2)
        held.check()
        time.sleep(0.5)
        with pytest.raises(Interrupted, match="another process goes on with this"):
            held.check()
        monkeypatch.undo()


def test_another_process_with_the_same_id_holds_nothing(tmp_path: Path) -> None:
    with Lease(tmp_path / "lease.json"):
        holder = holder_of(tmp_path / "lease.json")
    assert holder is not None
    path = write_holder(tmp_path, holder.machine, holder.pid)
    assert Watch().is_stale(path)


@pytest.mark.parametrize("content", ["", "{", "[]", '{"token": "t"}'])
def test_a_torn_lease_is_nobodys(content: str, tmp_path: Path) -> None:
    (tmp_path / "lease.json").write_text(content)
    with Lease(tmp_path / "lease.json"):
        pass


@pytest.mark.usefixtures("quick")
def test_a_lease_is_renewed(tmp_path: Path) -> None:
    with Lease(tmp_path / "lease.json"):
        first = (tmp_path / "lease.json").stat().st_mtime_ns
        time.sleep(0.3)
        assert (tmp_path / "lease.json").stat().st_mtime_ns > first


def test_a_lease_is_looked_at_and_taken_under_one_lock(tmp_path: Path) -> None:
    path = tmp_path / "lease.json"
    with FileLock(path.with_name(f".{path.name}.lock")):
        taker = threading.Thread(target=Lease(path).__enter__, daemon=True)
        taker.start()
        taker.join(0.3)
        assert taker.is_alive()
        assert holder_of(path) is None
    taker.join(10)
    assert holder_of(path) is not None


def test_a_folder_that_is_gone_is_said(tmp_path: Path) -> None:
    with Lease(tmp_path / "a" / "lease.json") as lease:
        lease.check()
        (tmp_path / "a").rename(tmp_path / "b")
        with pytest.raises(RunError, match="a: was deleted or renamed while it was worked on"):
            lease.check()


@pytest.mark.parametrize("pid", ["1" + "0" * 40, "-1", '"1"', "null", "[" * 3000])
def test_a_lease_of_no_process_is_stale(pid: str, tmp_path: Path) -> None:
    path = tmp_path / "lease.json"
    path.write_text(f'{{"token": "a", "host": "b", "machine": "c", "pid": {pid}, "started": "1"}}')
    with Lease(path) as lease:
        lease.check()
