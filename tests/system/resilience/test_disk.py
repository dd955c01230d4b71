"""A full disk ends a run in one line, with its last good checkpoint intact."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from entreg.runs import Run, check_checkpoint
from tests.conftest import TINY, working_in
from tests.system.processes import Process
from tests.system.test_resume import assert_same

COMMAND = ["fit", *TINY, "--trainer.max_epochs", "5", "--checkpoint.every_n_steps", "1"]


@pytest.fixture
def small_disk(workplace: Path) -> Iterator[Path]:
    """A disk of 4 MiB."""
    place = workplace / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        pytest.skip(f"a small disk cannot be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", place], check=True)


def fill(place: Path, leave: int) -> Path:
    free = os.statvfs(place).f_bavail * os.statvfs(place).f_frsize
    filler = place / "filler"
    filler.write_bytes(b"\0" * max(free - leave, 0))
    return filler


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, strokes_root: Path) -> Run:
    folder = tmp_path_factory.mktemp("whole")
    with working_in(folder, strokes_root):
        assert Process(folder, *COMMAND, "--id", "whole").wait() == 0
    return Run(folder / "runs" / "mix_ent-whole")


@pytest.mark.parametrize("leave", [0, 60_000])  # no room for a row of metrics; room for rows, none for a checkpoint
def test_a_full_disk(leave: int, workplace: Path, small_disk: Path, whole: Run) -> None:
    run = Run(small_disk / "mix_ent-full")
    command = [*COMMAND, "--runs", str(small_disk), "--id", "full"]
    process = Process(workplace, *command)
    assert process.wait_until(run.checkpoint("previous").exists)
    filler = fill(small_disk, leave)
    assert process.wait() == 1
    said = [line for line in process.output.splitlines() if line.startswith("entreg: ")]
    assert len(said) == 1
    assert "cannot be written" in said[0]
    assert "Traceback" not in process.output
    resumable = run.resume_from()
    assert resumable is not None
    check_checkpoint(resumable)
    filler.unlink()
    assert Process(workplace, *command).wait() == 0
    assert_same(run, whole)


def test_a_disk_that_is_full_from_the_start_is_left_as_it_was(workplace: Path, small_disk: Path) -> None:
    fill(small_disk, 0)
    process = Process(workplace, *COMMAND, "--runs", str(small_disk / "runs"))
    assert process.wait() == 1
    assert "entreg: " in process.output
    assert "Traceback" not in process.output
    assert [path.name for path in small_disk.rglob("*") if path.is_file()] == ["filler"]
