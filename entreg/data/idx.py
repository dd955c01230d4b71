"""IDX files, the format of MNIST and its relatives, plain or gzipped, read with every header field checked."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from entreg.errors import DataError

_UNSIGNED_BYTE = 0x08


def read_idx(path: Path, ndim: int) -> Tensor:
    """Read a uint8 IDX file of ``ndim`` dimensions, gzipped if its name ends in ``.gz``.

    Raises:
        DataError: if the file is not such a file or is not exactly as long as its header says.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror})") from error
    mend = "delete it and fetch it again"
    if path.suffix == ".gz" and content[:64].lstrip()[:1] != b"<":
        try:
            content = gzip.decompress(content)
        except (OSError, EOFError, zlib.error) as error:
            raise DataError(f"{path}: is not a whole gzip file ({error}); {mend}") from error
    if content[:64].lstrip()[:1] == b"<":
        raise DataError(f"{path}: is an HTML page, not an IDX file (a failed download); {mend}")
    header = 4 + 4 * ndim
    if len(content) < header or content[:4] != bytes((0, 0, _UNSIGNED_BYTE, ndim)):
        raise DataError(
            f"{path}: starts with {content[:4].hex(' ') or 'nothing'}, expected 00 00 08 {ndim:02x} "
            f"(IDX, uint8, {ndim} dimensions); {mend}"
        )
    shape = struct.unpack(f">{ndim}I", content[4:header])
    expected = header + math.prod(shape)
    if len(content) != expected:
        raise DataError(f"{path}: has {len(content)} bytes, its header says {expected}; {mend}")
    return torch.from_numpy(np.frombuffer(content, np.uint8, offset=header).reshape(shape).copy())
