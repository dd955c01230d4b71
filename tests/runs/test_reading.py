"""What a stranger may have put into a run folder: bombs, pickles, links to devices, numbers without end."""

from __future__ import annotations

import zipfile
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import torch

from entreg.errors import RunError
from entreg.runs import read_predictions, write_predictions
from entreg.runs.reading import read_json, read_text, read_yaml


@pytest.fixture
def predictions(tmp_path: Path) -> Path:
    write_predictions(tmp_path / "test.npz", torch.randn(40, 5), torch.arange(40) % 5, torch.arange(40))
    return tmp_path / "test.npz"


def test_no_byte_of_an_array_changes_unseen(predictions: Path) -> None:
    whole, right, unseen = predictions.read_bytes(), read_predictions(predictions), []
    for place in range(0, len(whole), 7):
        predictions.write_bytes(whole[:place] + bytes([whole[place] ^ 0x55]) + whole[place + 1 :])
        with suppress(RunError):  # of a date or of padding there is none
            found = read_predictions(predictions)
            assert all(np.array_equal(found[key], right[key]) for key in right)
            unseen.append(place)
    assert len(unseen) < len(whole) / 7 / 2


def test_what_would_inflate_without_end_is_not_inflated(predictions: Path) -> None:
    whole = bytearray(predictions.read_bytes())
    directory = whole.find(b"PK\x01\x02") + 24  # where the archive says how long its first member is
    whole[directory : directory + 4] = (2**30).to_bytes(4, "little")
    predictions.write_bytes(whole)
    with pytest.raises(RunError, match="it would inflate to 1024 MiB"):
        read_predictions(predictions)


@pytest.mark.parametrize("shape", ["(1000000000000, 5)", "(40, 6)", "(-40, 5)"])
def test_an_array_is_as_long_as_its_header_says(shape: str, tmp_path: Path) -> None:
    header = f"{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}}}"
    magic = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header.encode()
    with zipfile.ZipFile(tmp_path / "test.npz", "w") as archive:
        for name in ("logits.npy", "targets.npy", "ids.npy"):
            archive.writestr(name, magic + bytes(800))
    with pytest.raises(RunError, match=r"logits.npy is not as long as float32\["):
        read_predictions(tmp_path / "test.npz")


def test_compressed_predictions_are_read(predictions: Path) -> None:
    right = read_predictions(predictions)
    np.savez_compressed(predictions, **right)
    found = read_predictions(predictions)
    assert all(np.array_equal(found[key], right[key]) for key in right)


def test_an_encrypted_archive_is_one_line(predictions: Path) -> None:
    whole = bytearray(predictions.read_bytes())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        place = whole.find(signature)
        while place >= 0:
            whole[place + offset] |= 1
            place = whole.find(signature, place + 1)
    predictions.write_bytes(whole)
    with pytest.raises(RunError, match="encrypted"):
        read_predictions(predictions)


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"targets": np.zeros(40, dtype=np.float64)}, r"targets float64\[40\]"),
        ({"logits": np.zeros((40, 5), dtype=np.int64)}, r"logits int64\[40, 5\]"),
        ({"logits": np.array([object()], dtype=object)}, "logits.npy is not as long as object"),
        ({"ids": np.zeros(40, dtype=np.int64)}, "ids >= 0, each of them once"),
    ],
)
def test_other_arrays_are_no_predictions(changed: dict[str, np.ndarray], said: str, predictions: Path) -> None:
    np.savez(predictions, **(read_predictions(predictions) | changed))
    with pytest.raises(RunError, match=said):
        read_predictions(predictions)


def test_a_device_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "summary.json").symlink_to("/dev/zero")
    with pytest.raises(RunError, match="is no regular file"):
        read_json(tmp_path / "summary.json")


def test_a_long_or_foreign_text_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\xfe")
    with pytest.raises(RunError, match="a: cannot be read"):
        read_text(tmp_path / "a", 100)
    with pytest.raises(RunError, match="expected at most"):
        read_text(tmp_path / "a", 1)


def test_yaml_is_plain_values(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("model: !!python/object/apply:os.getcwd []")
    with pytest.raises(RunError, match="is damaged, it is no YAML"):
        read_yaml(tmp_path / "config.yaml")
