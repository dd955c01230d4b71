from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZipFile

import pytest
import torch

from entreg.errors import RunError
from entreg.runs import Run, check_checkpoint, write_checkpoint

STATE = {"state_dict": {"w": torch.arange(100.0)}, "pytorch-lightning_version": "2"}
Write = Callable[[dict[str, object], Path], None]


def sealed(content: dict[str, object], path: Path) -> None:
    write_checkpoint(path, content)


def of_an_earlier_version(content: dict[str, object], path: Path) -> None:
    torch.save(content, path)


@pytest.mark.parametrize("write", [sealed, of_an_earlier_version])
def test_it_opens_with_plain_torch(write: Write, tmp_path: Path) -> None:
    path = tmp_path / "best.ckpt"
    write(STATE, path)
    check_checkpoint(path)
    for mapped in (False, True):
        assert torch.equal(torch.load(path, weights_only=True, mmap=mapped)["state_dict"]["w"], torch.arange(100.0))


def test_the_one_that_is_replaced_stays_under_another_name(tmp_path: Path) -> None:
    last, previous = tmp_path / "last.ckpt", tmp_path / "previous.ckpt"
    for step in range(3):
        write_checkpoint(last, {**STATE, "step": step}, replaced=previous)
    assert [torch.load(path, weights_only=True)["step"] for path in (last, previous)] == [2, 1]
    assert sorted(tmp_path.iterdir()) == [last, previous]


def test_any_byte_that_changes_is_noticed_before_anything_is_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, STATE)
    whole, draw = path.read_bytes(), random.Random(0)
    monkeypatch.delattr(torch, "load")
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= draw.randrange(1, 256)
        path.write_bytes(damaged)
        with pytest.raises(RunError, match="it is damaged"):
            check_checkpoint(path)
    assert place > 2000


def test_any_end_that_is_missing_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    write_checkpoint(path, STATE)
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(RunError, match="cannot be opened as a checkpoint"):
            check_checkpoint(path)


def test_what_a_checkpoint_of_an_earlier_version_holds_is_noticed_too(tmp_path: Path) -> None:
    path = tmp_path / "last.ckpt"
    torch.save(STATE, path)
    whole, draw, passed = path.read_bytes(), random.Random(0), 0
    for place in range(0, len(whole), 3):
        damaged = bytearray(whole)
        damaged[place] ^= draw.randrange(1, 256)
        path.write_bytes(damaged)
        try:
            check_checkpoint(path)
        except RunError:
            continue
        passed += 1  # what lies between the records, and what nothing reads
        assert torch.equal(torch.load(path, weights_only=True)["state_dict"]["w"], torch.arange(100.0))
    assert passed < len(whole) / 6


def test_a_zeroed_block_leads_to_the_checkpoint_before(tmp_path: Path) -> None:
    run = Run(tmp_path)
    for name in ("previous", "last"):
        write_checkpoint(run.checkpoint(name), STATE)
    with run.checkpoint("last").open("rb+") as file:
        file.seek(900)
        file.write(bytes(200))
    with pytest.warns(UserWarning, match=r"last\.ckpt: .* \(it is damaged.*going on from previous\.ckpt"):
        assert run.resume_from() == run.checkpoint("previous")


def test_an_archive_that_inflates_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.ckpt"
    torch.save({**STATE, "zeros": torch.zeros(100_000)}, path)
    with ZipFile(path) as archive, ZipFile(tmp_path / "packed.ckpt", "w", ZIP_DEFLATED) as packed:
        for name in archive.namelist():
            packed.writestr(name, archive.read(name))
    with pytest.raises(RunError, match=r"not as torch\.save writes them"):
        check_checkpoint(tmp_path / "packed.ckpt")


@pytest.mark.parametrize("content", [None, b"nothing", {"weight": torch.zeros(1)}])
def test_what_is_no_checkpoint_is_refused(content: object, tmp_path: Path) -> None:
    if isinstance(content, bytes):
        (tmp_path / "not.ckpt").write_bytes(content)
    elif content is not None:
        torch.save(content, tmp_path / "not.ckpt")
    with pytest.raises(RunError, match=r"not\.ckpt: cannot be opened as a checkpoint"):
        check_checkpoint(tmp_path / "not.ckpt")


class Creates:
    """What a pickle runs when it is opened."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.path,)


@pytest.mark.parametrize("write", [sealed, of_an_earlier_version])
def test_checking_a_checkpoint_runs_none_of_its_code(write: Write, tmp_path: Path) -> None:
    write({**STATE, "evil": Creates(tmp_path / "ran")}, tmp_path / "evil.ckpt")
    with pytest.raises(RunError, match="cannot be opened as a checkpoint"):
        check_checkpoint(tmp_path / "evil.ckpt")
    assert not (tmp_path / "ran").exists()
