"""A data root that several processes prepare, and downloads that break off."""

from __future__ import annotations

import multiprocessing
import time
from pathlib import Path

import pytest

from entreg.data.store import fetch, locked, staged
from entreg.errors import DataError


def fetch_into(root: Path, log: Path) -> None:
    """Download one file slowly, noting that it was done."""

    def download(stage: Path) -> None:
        with log.open("a") as file:
            file.write("downloaded\n")
        (stage / "raw").mkdir()
        (stage / "raw" / "images").write_bytes(b"12")
        time.sleep(0.5)
        (stage / "raw" / "images").write_bytes(b"1234")

    target = root / "raw" / "images"
    fetch(root, "Set", missing=lambda: [p for p in [target] if not p.exists()], download=download, by_hand="put it")
    assert target.read_bytes() == b"1234"


def test_processes_that_prepare_one_root_download_once(tmp_path):
    context = multiprocessing.get_context("fork")
    log = tmp_path / "log"
    processes = [context.Process(target=fetch_into, args=(tmp_path / "root", log)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(30)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert log.read_text() == "downloaded\n"


def test_an_interrupted_download_leaves_no_file_in_the_root_and_is_discarded(tmp_path):
    def break_off(stage: Path) -> None:
        (stage / "images").write_bytes(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), staged(tmp_path, "Set") as stage:
        break_off(stage)
    assert list(tmp_path.iterdir()) == []
    leftover = tmp_path / ".partial-Set-killed"
    leftover.mkdir()
    (leftover / "images").write_bytes(b"half")
    with staged(tmp_path, "Set") as stage:
        assert not leftover.exists()
        (stage / "images").write_bytes(b"whole")
    assert (tmp_path / "images").read_bytes() == b"whole"
    assert [path.name for path in tmp_path.iterdir()] == ["images"]


def test_a_failed_download_names_the_file_and_the_ways_out(tmp_path):
    def fail(stage: Path) -> None:
        raise OSError("no network\nat all")

    with pytest.raises(DataError) as caught:
        fetch(tmp_path, "Set", missing=lambda: [tmp_path / "images"], download=fail, by_hand="put it there")
    assert str(caught.value).startswith(f"{tmp_path / 'images'} is absent and could not be downloaded (no network at")
    assert "put it there" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_nothing_is_locked_or_written_where_nothing_is_missing(tmp_path):
    fetch(tmp_path / "root", "Set", missing=list, download=lambda stage: 1 / 0, by_hand="")
    assert not (tmp_path / "root").exists()


def test_a_root_that_cannot_be_made_is_a_data_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match="cannot be written"), locked(tmp_path / "file" / "root", "Set"):
        pytest.fail("locked nothing")
