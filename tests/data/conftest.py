"""Fixtures shared by the tests of the data package."""

import os
import struct
from pathlib import Path

import pytest
import torch


@pytest.fixture(scope="session")
def letters_root():
    """Root of the real letters: ENTREG_DATA, else ../shared/data beside the repository."""
    beside = Path(__file__).resolve().parents[2].parent / "shared" / "data"
    root = Path(os.environ.get("ENTREG_DATA") or beside)
    if not (root / "EMNIST" / "raw" / "emnist-letters-train-images-idx3-ubyte").is_file():
        pytest.skip(f"no EMNIST letters under {root}: set ENTREG_DATA to the folder that holds EMNIST/raw")
    return root


def _idx_bytes(tensor):
    header = bytes((0, 0, 8, tensor.ndim)) + struct.pack(f">{tensor.ndim}I", *tensor.shape)
    return header + tensor.numpy().tobytes()


@pytest.fixture(scope="session")
def idx_bytes():
    """Encode a uint8 tensor as an IDX file."""
    return _idx_bytes


@pytest.fixture
def emnist_root(tmp_path):
    """A root in torchvision's layout with 104 training and 26 test letters of random pixels, labels 1..26."""
    raw = tmp_path / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    for subset, count in (("train", 104), ("test", 26)):
        images = torch.randint(256, (count, 28, 28), generator=generator, dtype=torch.uint8)
        labels = (torch.randperm(count, generator=generator) % 26 + 1).to(torch.uint8)
        (raw / f"emnist-letters-{subset}-images-idx3-ubyte").write_bytes(_idx_bytes(images))
        (raw / f"emnist-letters-{subset}-labels-idx1-ubyte").write_bytes(_idx_bytes(labels))
    return tmp_path
