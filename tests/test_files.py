from __future__ import annotations

import json
import os
from multiprocessing import get_context
from pathlib import Path

import pytest

from entreg.errors import RunError
from entreg.files import atomic_path, check_own, check_target, leftovers, write_json


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"a": 1})
    with pytest.raises(TypeError, match="not JSON serializable"):
        write_json(target, {"a": object()})
    assert json.loads(target.read_text()) == {"a": 1}
    assert list(tmp_path.iterdir()) == [target]


def test_what_cannot_be_written_is_a_run_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match="cannot be written"):
        write_json(tmp_path / "file" / "a.json", {})


def test_a_file_that_is_replaced_stays_whole_for_who_has_it_open(tmp_path: Path) -> None:
    target = tmp_path / "a.json"
    write_json(target, {"a": 1})
    with target.open() as reader:
        write_json(target, {"a": 2})
        assert json.load(reader) == {"a": 1}
    assert json.loads(target.read_text()) == {"a": 2}


def write_often(target: Path, letter: str) -> None:
    for _ in range(20):
        write_json(target, {"text": letter * 1_000_000})


def test_two_processes_that_write_one_file_do_not_tear_it(tmp_path: Path) -> None:
    target, fork = tmp_path / "a.json", get_context("fork")
    write_json(target, {"text": "a"})
    writers = [fork.Process(target=write_often, args=(target, letter)) for letter in "ab"]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        assert len(set(json.loads(target.read_text())["text"])) == 1
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert list(tmp_path.iterdir()) == [target]


def test_the_part_is_new_and_what_is_left_of_it_is_known(tmp_path: Path) -> None:
    target = tmp_path / ("long" * 60 + ".csv")
    with atomic_path(target) as first, atomic_path(target) as second:
        assert first != second
        assert first.suffix == ".csv"
        assert first.stat().st_mode == second.stat().st_mode
        assert set(leftovers(tmp_path)) == {first, second}
        first.write_text("first")
        second.write_text("second")
    assert target.read_text() == "first"  # the last to be ready
    umask = os.umask(0o022)
    os.umask(umask)
    assert target.stat().st_mode & 0o777 == 0o666 & ~umask


def test_only_a_file_is_replaced_by_a_file(tmp_path: Path) -> None:
    precious, link, pipe = (tmp_path / name for name in ("precious", "link", "pipe"))
    precious.write_text("mine")
    link.symlink_to(precious)
    os.mkfifo(pipe)
    for target, kind in ((link, "a link"), (pipe, "a pipe or a device"), (tmp_path, "a folder")):
        with pytest.raises(RunError, match=f"cannot be written, it is {kind}; name a file"):
            check_target(target)
        with pytest.raises(RunError), atomic_path(target) as part:
            part.write_text("overwritten")
    assert precious.read_text() == "mine"
    assert link.is_symlink()
    assert pipe.is_fifo()
    assert len(list(tmp_path.iterdir())) == 3


def test_names_too_long_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="File name too long"):
        write_json(tmp_path / ("x" * 300), {})


def test_a_folder_with_a_name_that_leads_elsewhere_is_refused(tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    for place in (folder, elsewhere, folder / "inside", folder / "other"):
        place.mkdir()
    (tmp_path / "link").symlink_to(folder)
    (folder / "other" / "latest").symlink_to("nowhere")
    (folder / "known").symlink_to("nowhere")
    check_own(tmp_path / "link", inside=["inside", "absent"], but=("know",))
    for link in (folder / "summary.json", folder / "inside" / "test.npz"):
        link.symlink_to(elsewhere)
        with pytest.raises(RunError, match=f"{link.name}: is a link"):
            check_own(tmp_path / "link", inside=["inside"], but=("know",))
        link.unlink()
