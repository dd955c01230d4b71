"""A shrunken copy is the pictures, ready to use; what is not whole, or not what was written, is one line."""

from __future__ import annotations

import json
import os
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from entreg.__main__ import main
from entreg.data import DecodeCrop, ImageFolder
from entreg.data.images.shrink import shrink
from entreg.data.images.shrunk import INDEX
from entreg.errors import ConfigError, DataError
from tests.data.images.picture_files import write_folder

SIZE, SHARD = 16, 4000  # five images a shard


def shrunken(root: Path, out: Path, workers: int = 0) -> list[str]:
    data, said = ImageFolder(str(root), image_size=SIZE), []
    parts = {"train": data.stored(train=True), "test": data.stored(train=False)}
    shrink(parts, data.classes, out, workers, SHARD, said.append)
    return said


def opened(root: Path, **options: object) -> ImageFolder:
    data = ImageFolder(str(root), image_size=SIZE, batch_size=4, **options)
    data.setup()
    return data


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "pictures")


@pytest.fixture
def copy(root: Path, tmp_path: Path) -> Path:
    shrunken(root, tmp_path / "copy")
    return tmp_path / "copy"


@pytest.mark.parametrize("max_resident_bytes", [0, 2**20])
def test_it_is_one_data_set_with_the_pictures(root: Path, copy: Path, max_resident_bytes: int) -> None:
    streamed, ours = opened(root, max_resident_bytes=0), opened(copy, max_resident_bytes=max_resident_bytes)
    assert ours.fingerprints == streamed.fingerprints
    assert ours.description == streamed.description
    assert ours.classes == streamed.classes
    for first, second in ((streamed.train_set, ours.train_set), (streamed.test_set, ours.test_set)):
        ids = torch.arange(len(first)).flip(0)
        for theirs, mine in zip(first[ids], second[ids], strict=True):
            assert torch.equal(theirs, mine)
    for first, second in zip(streamed.train_dataloader(), ours.train_dataloader(), strict=True):
        assert torch.equal(streamed.transform(first, 1).input, ours.transform(second, 1).input)


def test_shards_are_numpys_and_the_same_whoever_decodes(root: Path, copy: Path, tmp_path: Path) -> None:
    names = sorted(path.name for path in copy.glob("*.npy"))
    assert [name[:11] for name in names] == [f"test-{k:05d}-" for k in range(2)] + [f"train-{k:05d}" for k in range(4)]
    assert np.load(copy / names[-1]).shape == (1, SIZE, SIZE, 3)
    shrunken(root, tmp_path / "again", workers=2)
    for name in (*names, INDEX):
        assert (copy / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_crops_of_a_copy_are_those_of_its_images_with_or_without_workers(copy: Path) -> None:
    crop = DecodeCrop(size=8)
    data = opened(copy, crop=crop, augment=None, num_workers=2)
    whole = opened(copy).train_set
    assert data.input_shape == (3, SIZE, SIZE)
    for batch in data.train_dataloader():
        for image, i in zip(batch.input, batch.id.tolist(), strict=True):
            assert torch.equal(image, crop(whole[torch.tensor([i])].input[0], 8, 0, 0, i))
    assert len(pickle.dumps(data.train_set)) < SHARD  # as a spawned worker is sent it: without the pixels


def test_an_interrupted_copy_goes_on_after_its_last_whole_shard(root: Path, copy: Path, tmp_path: Path) -> None:
    victim = root / "train" / "dog" / "5.png"  # of the third shard of four
    content = victim.read_bytes()
    victim.write_bytes(content[:300])
    with pytest.raises(DataError, match=r"5.png: is not a whole image file"):
        shrunken(root, tmp_path / "new")
    assert sorted(path.name[:11] for path in (tmp_path / "new").glob("*.npy")) == ["train-00000", "train-00001"]
    with pytest.raises(DataError, match="is an unfinished copy: entreg data shrink, called as before, goes on with it"):
        opened(tmp_path / "new")
    (tmp_path / "new" / ".0123456789abcdef.part.npy").write_bytes(b"of a process that was killed")
    victim.write_bytes(content)
    said = shrunken(root, tmp_path / "new")
    assert [line.rsplit(", ")[-1] == "was there" for line in said] == [True, True, False, False, False, False]
    assert (tmp_path / "new" / INDEX).read_bytes() == (copy / INDEX).read_bytes()
    assert len(list((tmp_path / "new").glob("*.npy"))) == len(said)


def test_a_changed_picture_makes_its_shard_anew(root: Path, copy: Path) -> None:
    before = set(copy.glob("*.npy"))
    Image.new("RGB", (9, 9), "red").save(root / "test" / "cat" / "0.png")
    said = shrunken(root, copy)
    assert [line.rsplit(", ")[-1] == "was there" for line in said].count(False) == 1
    after = set(copy.glob("*.npy"))
    assert len(after) == len(before) == len(after & before) + 1
    assert opened(copy).test_set[torch.tensor([0])].input[0, :, 0, 0].tolist() == [255, 0, 0]


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def test_a_damaged_shard_is_found_and_mended(root: Path, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", str(copy)]) == 0
    assert f"{copy} train: ok, 16 samples, SHA-256 as written\n" in capsys.readouterr().out
    victim = next(copy.glob("train-00002*"))
    damage(victim)
    assert main(["data", "verify", str(copy)]) == 1
    assert f"entreg: {victim}: is not what was written (SHA-256); entreg data shrink" in capsys.readouterr().err
    shrunken(root, copy)
    assert main(["data", "verify", str(copy)]) == 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda copy: next(copy.glob("test-00001*")).unlink(), "test-00001.*: is not a whole shard"),
        (lambda copy: next(copy.glob("train-00001*")).write_bytes(b"\x93NUMPY"), "train-00001.*: is not a whole shard"),
        (lambda copy: np.save(next(copy.glob("train-00001*")), np.zeros(3)), "holds float64 of .3,., expected uint8"),
        (lambda copy: (copy / INDEX).write_text("{}"), "shrunk.json: is not the index of a shrunken copy"),
        (lambda copy: (copy / INDEX).write_text(edited(copy)), "counts 17 images, shards hold 16"),
    ],
)
def test_what_is_not_whole_is_one_line(copy: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(copy)
    with pytest.raises(DataError, match=message) as caught:
        opened(copy)
    assert "\n" not in str(caught.value)


def edited(copy: Path) -> str:
    content = json.loads((copy / INDEX).read_text())
    content["parts"]["train"]["counts"][0] += 1
    return json.dumps(content)


def test_another_form_than_the_copys_is_a_config_error(copy: Path) -> None:
    with pytest.raises(ConfigError, match=r"give --data.in_channels 3 --data.image_size 16 --data.fit squeeze"):
        ImageFolder(str(copy), image_size=32)


def test_the_command_makes_a_copy_to_train_from(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "shrink", str(root), "--size", "16", "--fit", "pad", "--workers", "1"]) == 0
    out = root.with_name("pictures-16")
    printed = capsys.readouterr().out
    assert "16 of 16 pictures" in printed
    assert f"--data.root {out} --data.image_size 16 --data.in_channels 3 --data.fit pad" in printed
    assert opened(out, fit="pad").fingerprints == opened(root, fit="pad").fingerprints
    assert main(["data", "shrink", str(out), "--size", "8"]) == 2
    assert "is a copy itself" in capsys.readouterr().err
    shutil.rmtree(root / "train" / "dog")
    assert main(["data", "shrink", str(root), "--size", "8"]) == 1
    assert "has class 'dog'" in capsys.readouterr().err


def test_beside_pictures_where_nothing_can_be_written_the_copy_needs_a_name(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) != root.parent)
    assert main(["data", "shrink", str(root), "--size", "16"]) == 2
    assert f"{root.parent}: cannot be written to, and the copy goes there" in capsys.readouterr().err
    assert main(["data", "shrink", str(root), "--size", "16", "--workers", "0", "--out", str(root / "copy")]) == 0


def test_a_copy_of_another_form_is_not_written_over(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["data", "shrink", str(root), "--size", "16", "--workers", "0"]
    assert main(command) == 0
    before = {path: path.read_bytes() for path in root.with_name("pictures-16").iterdir()}
    assert main([*command, "--fit", "pad"]) == 2
    assert "holds a copy of another form" in capsys.readouterr().err
    assert before.items() <= {path: path.read_bytes() for path in root.with_name("pictures-16").iterdir()}.items()
