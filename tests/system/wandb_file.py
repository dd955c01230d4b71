"""Read a ``.wandb`` file: a LevelDB log of protobuf records behind a 7-byte header."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from wandb.proto.wandb_internal_pb2 import Record

_BLOCK, _FILE_HEADER, _HEADER = 32768, 7, 7
_FULL, _LAST = 1, 4


def records(path: Path) -> Iterator[Record]:
    """Yield all records; those longer than a block come in parts."""
    content = path.read_bytes()
    position, parts = _FILE_HEADER, b""
    while position + _HEADER <= len(content):
        if _BLOCK - position % _BLOCK < _HEADER:
            position += _BLOCK - position % _BLOCK
            continue
        length, kind = struct.unpack("<HB", content[position + 4 : position + _HEADER])
        parts += content[position + _HEADER : position + _HEADER + length]
        position += _HEADER + length
        if kind in (_FULL, _LAST):
            yield Record.FromString(parts)
            parts = b""
