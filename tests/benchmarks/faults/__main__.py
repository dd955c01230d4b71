"""What the tests notice: python -m tests.benchmarks.faults [--room losses ...] [--only NAME ...] [--list] [--quick]

One fault at a time is planted in a copy of the checkout, and tests run there until one fails: those named after the
file, then those of the room. The faults that survive are planted together and the whole default suite runs; each test
that fails is put to each of them alone. A test that fails without a fault, too, catches none.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.benchmarks.faults.planted import FAULTS, Fault

LIMIT = 3600  # seconds of one run of pytest: what takes longer hangs
ALONE = ("-n0", "-x")


class Planter:
    """Plants faults in copies of a checkout and runs its tests there.

    Args:
        tree: the checkout, of this or another commit.
    """

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.sound: set[str] = set()  # tests that pass without a fault
        self.unsound: set[str] = set()

    def place(self, fault: Fault) -> Path:
        """File of the fault, relative to the tree; where that is not there, the one that has the text.

        Raises:
            SystemExit: unless the text is there exactly once.
        """
        named = self.tree / "entreg" / fault.file
        files = [named] if named.is_file() else sorted((self.tree / "entreg").rglob("*.py"))
        found = [file for file in files for _ in range(file.read_text().count(fault.text))]
        if len(found) != 1:
            raise SystemExit(
                f"{fault.name} is stale: {fault.text!r} is {len(found)} times in {fault.file}, expected once"
            )
        return found[0].relative_to(self.tree)

    def caught_in_its_room(self, faults: Sequence[Fault]) -> dict[str, str]:
        """First test that catches each fault, by the fault's name: of those named after its file, then of its room."""
        caught: dict[str, str] = {}
        left = list(faults)
        while left:
            for fault in left:
                began = time.monotonic()
                if test := self._first_of_room(fault):
                    caught[fault.name] = test
                said = f"caught by {test}" if test else "not caught in its room"
                print(f"{fault.room:10} {fault.name:20} {said} ({time.monotonic() - began:.0f} s)", flush=True)
            self._check(caught.values())
            left = [fault for fault in left if caught.get(fault.name) in self.unsound]  # once more, without that test
            caught = {name: test for name, test in caught.items() if test not in self.unsound}
        return caught

    def caught_elsewhere(self, faults: Sequence[Fault], *options: str) -> dict[str, str]:
        """Test that catches each fault, by name: the faults are planted together until pytest passes."""
        caught: dict[str, str] = {}
        left = list(faults)
        while left and (failed := self._run(left, *options)):
            self._check(failed)
            tests = [test for test in failed if "::" in test and test not in self.unsound]
            found = {fault.name: alone for fault in left if tests and (alone := self._run([fault], *ALONE, *tests))}
            if not found:
                if tests:
                    print(f"no single fault is to blame for: {', '.join(tests)}")
                break
            for name, alone in found.items():
                print(f"{'':10} {name:20} caught by {alone[0]}", flush=True)
                caught[name] = alone[0]
            left = [fault for fault in left if fault.name not in caught]
        return caught

    def _first_of_room(self, fault: Fault) -> str | None:
        place = self.place(fault)
        named = sorted(str(path.relative_to(self.tree)) for path in self.tree.glob(f"tests/**/test_{place.stem}.py"))
        stages = [[*named, str(place)]]
        if (self.tree / "tests" / fault.room).is_dir():
            stages.append([f"tests/{fault.room}", *(f"--ignore={path}" for path in named)])
        for stage in stages:
            if failed := self._run([fault], *ALONE, *stage):
                return failed[0]
        return None

    def _check(self, tests: Iterable[str]) -> None:
        """Run tests without a fault."""
        unknown = sorted({test for test in tests if "::" in test} - self.sound - self.unsound)
        if unknown:
            self.unsound |= set(self._run([], "-n0", *unknown))
            self.sound |= set(unknown) - self.unsound

    def _run(self, faults: Sequence[Fault], *options: str) -> list[str]:
        """Tests that fail with the faults, ``hangs``, or ``breaks`` where no test can be run."""
        deselected = [f"--deselect={test}" for test in sorted(self.unsound)]
        with self._copy(faults) as copy:
            failed = _pytest(copy, *deselected, *options)
        if failed == ["breaks"]:
            with self._copy([]) as copy:
                if _pytest(copy, "--collect-only", *deselected, *options) == failed:
                    raise SystemExit(f"pytest {' '.join(options)} breaks without a fault, too")
        return failed

    @contextmanager
    def _copy(self, faults: Sequence[Fault]) -> Iterator[Path]:
        """A copy of the checkout with the faults in it, gone in the end."""
        listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=self.tree, capture_output=True, text=True, check=True).stdout
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
            copy = Path(scratch) / "tree"
            for name in filter(None, names.split("\0")):
                if (self.tree / name).is_file():
                    (copy / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy(self.tree / name, copy / name)
            for fault in faults:
                file = copy / self.place(fault)
                file.write_text(file.read_text().replace(fault.text, fault.planted))
            yield copy


def _pytest(copy: Path, *options: str) -> list[str]:
    scratch, log = copy.parent / "tmp", copy.parent / "log"
    scratch.mkdir(exist_ok=True)
    path = os.pathsep.join(filter(None, (str(copy), os.environ.get("PYTHONPATH"))))
    environment = {**os.environ, "CI": "1", "PYTHONPATH": path, "TMPDIR": str(scratch)}
    command = [sys.executable, "-m", "pytest", "-q", *options]
    with log.open("w") as output:
        process = subprocess.Popen(
            command, cwd=copy, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            code = process.wait(LIMIT)
        except subprocess.TimeoutExpired:
            return ["hangs"]
        finally:
            with suppress(ProcessLookupError):  # all have ended
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    last_failed = copy / ".pytest_cache" / "v" / "cache" / "lastfailed"
    failed = list(json.loads(last_failed.read_text())) if last_failed.is_file() else []
    if not failed and code not in (0, 5):  # 5: there is no such test
        print("\n".join(log.read_text().splitlines()[-20:]), file=sys.stderr)
        return ["breaks"]
    return failed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--room", nargs="+", help="rooms whose faults are planted (default: all)")
    parser.add_argument("--only", nargs="+", help="names of faults (default: all)")
    parser.add_argument("--list", action="store_true", help="list the faults and plant none")
    parser.add_argument("--quick", action="store_true", help="run the tests of the fault's room only")
    parser.add_argument("--tests", nargs="+", help="run these instead of the room's and all")
    parser.add_argument("--tree", type=Path, default=Path(__file__).parents[3], help="checkout of another commit")
    given = parser.parse_args()
    if unknown := {*(given.only or ())} - {fault.name for fault in FAULTS}:
        raise SystemExit(f"no fault is called {min(unknown)}: see --list")
    faults = [f for f in FAULTS if f.room in (given.room or [f.room]) and f.name in (given.only or [f.name])]
    planter = Planter(given.tree.resolve())
    places = {fault: planter.place(fault) for fault in faults}
    if given.list:
        for fault, place in places.items():
            print(f"{fault.room:10} {fault.name:20} {place}: {fault.what}")
        return

    caught = {} if given.tests else planter.caught_in_its_room(faults)
    if not given.quick:
        caught |= planter.caught_elsewhere([f for f in faults if f.name not in caught], *(given.tests or ()))
    for room in dict.fromkeys(fault.room for fault in faults):
        names = [fault.name for fault in faults if fault.room == room]
        print(f"{room:10} {sum(name in caught for name in names)} of {len(names)} caught")
    survived = [fault.name for fault in faults if fault.name not in caught]
    print(f"{len(caught)} of {len(faults)} caught; survived: {', '.join(survived) or 'none'}")
    if planter.unsound:
        print(f"fail without a fault, too: {', '.join(sorted(planter.unsound))}")


if __name__ == "__main__":
    main()
