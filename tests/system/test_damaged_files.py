"""Forty ways in which the files of a data set are damaged: each is one clear line, and nothing trains."""

from __future__ import annotations

import gzip
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from torchvision import datasets

from entreg.__main__ import main
from entreg.data import EMNIST
from entreg.errors import UserError
from tests.conftest import TINY
from tests.data.images.sets.idx_files import encode_again, write_letters

RAW = Path("EMNIST/raw")
FILES = [f"emnist-letters-{part}-{kind}-ubyte" for part in ("train", "test") for kind in ("images-idx3", "labels-idx1")]
IMAGES, LABELS = FILES[::2], FILES[1::2]
OFFSETS = random.Random(0)
Damage = Callable[[Path], None]


def truncated(share: float) -> Damage:
    return lambda path: path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])


def starting(head: bytes) -> Damage:
    return lambda path: path.write_bytes(head + path.read_bytes()[len(head) :])


def holding(content: bytes) -> Damage:
    return lambda path: path.write_bytes(content)


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def gzipped_and_torn(path: Path) -> None:
    path.with_name(path.name + ".gz").write_bytes(gzip.compress(path.read_bytes())[:-20])
    path.unlink()


def swapped(path: Path) -> None:
    other = path.with_name(path.name.replace("images-idx3", "labels-idx1"))
    first, second = path.read_bytes(), other.read_bytes()
    path.write_bytes(second)
    other.write_bytes(first)


def one_fewer(path: Path) -> None:
    path.write_bytes(encode_again(path, fewer=1))


def of_another_size(path: Path) -> None:
    path.write_bytes(encode_again(path, side=14))


def of_another_split(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] = 47
    path.write_bytes(bytes(content))


CASES: list[tuple[str, Damage]] = [
    *((name, truncated(OFFSETS.random())) for name in FILES * 3),
    *((name, starting(b"\0\0\x09\x03")) for name in FILES),
    *((name, holding(b"<!DOCTYPE html><html>503</html>")) for name in FILES),
    *((name, holding(b"")) for name in FILES),
    *((name, a_folder) for name in FILES),
    *((name, longer) for name in FILES[:2]),
    *((name, swapped) for name in IMAGES),
    *((name, one_fewer) for name in IMAGES),
    *((name, gzipped_and_torn) for name in IMAGES),
    *((name, of_another_size) for name in IMAGES),
    *((name, of_another_split) for name in LABELS),
]
# Of what only shows when two files are held side by side, the set is blamed.
BLAMED = {one_fewer: "samples but", of_another_split: "labels run from"}


@pytest.fixture
def letters(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Root of good files, where others cannot be downloaded."""

    def refuse(*args: object, **kwargs: object) -> None:
        raise RuntimeError("no network")

    monkeypatch.setattr(datasets, "EMNIST", refuse)
    return write_letters(workplace / "letters", train=130, test=52)


def set_up(data: EMNIST) -> None:
    data.prepare_data()
    data.setup("fit")


@pytest.mark.parametrize(("name", "damage"), CASES)
def test_damage_is_found_before_training_and_named(name: str, damage: Damage, letters: Path) -> None:
    damage(letters / RAW / name)
    with pytest.raises(UserError, match=re.escape(BLAMED.get(damage, name))):
        set_up(EMNIST(root=str(letters), batch_size=16))


@pytest.mark.parametrize("damage", [starting(b"<!DOCTYPE html>"), one_fewer])
def test_damage_is_one_line_and_nothing_trains(
    damage: Damage, letters: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    damage(letters / RAW / IMAGES[0])
    options = ["--data", "EMNIST", *TINY[TINY.index("--trainer.max_epochs") :], "--data.root", str(letters)]
    assert main(["fit", "--model.loss", "mix_ent", "--model.net", "user_file.TinyNet", *options]) == 1
    error = capsys.readouterr().err
    (line,) = (line for line in error.splitlines() if line.startswith("entreg: "))
    assert BLAMED.get(damage, IMAGES[0]) in line
    assert "Traceback" not in error
    assert not Path("runs").exists()
