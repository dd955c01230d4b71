"""IDX files of random letters in torchvision's layout."""

from __future__ import annotations

import struct
from pathlib import Path

import torch
from torch import Tensor


def encode(tensor: Tensor) -> bytes:
    """Bytes of a uint8 IDX file."""
    return struct.pack(f">BBBB{tensor.ndim}I", 0, 0, 8, tensor.ndim, *tensor.shape) + tensor.numpy().tobytes()


def write_letters(root: Path, train: int, test: int) -> Path:
    """Write a small EMNIST-Letters of random pixels, labels 1..26 in random order; return its root."""
    raw = root / "EMNIST" / "raw"
    raw.mkdir(parents=True)
    generator = torch.Generator().manual_seed(0)
    for subset, count in (("train", train), ("test", test)):
        images = torch.randint(256, (count, 28, 28), generator=generator, dtype=torch.uint8)
        labels = (torch.randperm(count, generator=generator) % 26 + 1).to(torch.uint8)
        (raw / f"emnist-letters-{subset}-images-idx3-ubyte").write_bytes(encode(images))
        (raw / f"emnist-letters-{subset}-labels-idx1-ubyte").write_bytes(encode(labels))
    return root


def encode_again(path: Path, fewer: int = 0, side: int = 28) -> bytes:
    """Encode the images of a file again, some fewer, or cut to ``side`` pixels."""
    pixels = torch.frombuffer(bytearray(path.read_bytes()[16:]), dtype=torch.uint8).view(-1, 28, 28)
    return encode(pixels[: len(pixels) - fewer, :side, :side].contiguous())
