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

from entreg.data.kept import once
from entreg.errors import DataError

_CODES = {torch.uint8: 0x08, torch.int32: 0x0C}
_STORED = {torch.uint8: ">u1", torch.int32: ">i4"}


def read_idx(path: Path, ndim: int, dtype: torch.dtype = torch.uint8) -> Tensor:
    """Read an IDX file of ``ndim`` dimensions, gzipped if its name ends in ``.gz``.

    Args:
        path: the file.
        ndim: number of dimensions that it should have.
        dtype: ``torch.uint8`` or ``torch.int32``.

    Raises:
        DataError: if the file is not such a file or is not exactly as long as its header says.
    """
    return once(("idx", ndim, dtype), [path], lambda: (_read(path, ndim, dtype),))[0]


def _read(path: Path, ndim: int, dtype: torch.dtype) -> Tensor:
    code, stored = _CODES[dtype], np.dtype(_STORED[dtype])
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
    if len(content) < header or content[:4] != bytes((0, 0, code, ndim)):
        raise DataError(
            f"{path}: starts with {content[:4].hex(' ') or 'nothing'}, expected 00 00 {code:02x} {ndim:02x} "
            f"(IDX, {str(dtype).removeprefix('torch.')}, {ndim} dimensions); {mend}"
        )
    shape = struct.unpack(f">{ndim}I", content[4:header])
    expected = header + math.prod(shape) * stored.itemsize
    if len(content) != expected:
        raise DataError(f"{path}: has {len(content)} bytes, its header says {expected}; {mend}")
    numbers = np.frombuffer(content, stored, offset=header).reshape(shape)
    return torch.from_numpy(numbers.astype(stored.newbyteorder("=")))  # a copy, which can be written to
