"""Writing a shrunken copy of an image folder, shard by shard; interrupted, it goes on after the last whole one."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader

from entreg.data.images.shrunk import INDEX, Index, Part, Shard
from entreg.data.images.stored import Form, StoredImages
from entreg.data.samples import Batch
from entreg.data.splits import digest
from entreg.data.store import locked
from entreg.errors import ConfigError
from entreg.files import atomic_path, leftovers, sha256_of, write_json

SHARD_BYTES = 2**30
_BATCH = 64


def shrink(
    parts: Mapping[str, StoredImages],
    classes: Sequence[str],
    out: Path,
    workers: int = 0,
    shard_bytes: int = SHARD_BYTES,
    say: Callable[[str], None] = print,
) -> Index:
    """Write the images of an image folder, decoded and resized, to a folder of their own.

    A shard goes by the digest of what it is made of, and appears whole or not at all: what lies there under its name
    need not be made again. The index is written last; without it there is no copy.

    Args:
        parts: pictures of ``train`` and ``test``, all of one form.
        classes: their names.
        out: folder of the copy; files in it that are no shards stay.
        workers: processes that decode.
        shard_bytes: of pixels in a shard, at most; at least one image.
        say: is told of every shard that is there.

    Raises:
        ConfigError: if there is a copy of another size, fit or number of channels.
        DataError: if a picture cannot be read.
        RunError: if nothing can be written.
    """
    with locked(out, "shrink"):
        for leftover in leftovers(out):
            leftover.unlink()
        known = {shard.file: shard for part in _known(out, parts["train"].form) for shard in part.shards}
        written = {name: _Writer(name, files, out, known, shard_bytes) for name, files in parts.items()}
        made = {
            name: Part(
                parts[name].targets.bincount(minlength=len(classes)).tolist(),
                parts[name].traces,
                list(writer.write(workers, say)),
            )
            for name, writer in written.items()
        }
        index = Index(parts["train"].form, classes, made)
        write_json(out / INDEX, index.as_json())
        kept = {shard.file for part in made.values() for shard in part.shards}
        for path in out.glob(f"*-{'[0-9]' * 5}-{'[0-9a-f]' * 16}.npy"):
            if path.name not in kept:  # of pictures that have changed since
                path.unlink()
    return index


def _known(out: Path, form: Form) -> list[Part]:
    """What a copy that was finished before holds."""
    if not (out / INDEX).exists():
        return []
    index = Index.read(out)
    if index.form != form:
        raise ConfigError(
            f"{out}: holds a copy of another form ({index.form}); name another folder by --out, or remove it"
        )
    return list(index.parts.values())


class _Writer:
    """Writes one part: finds which of its shards are there, and has the pictures of all others decoded."""

    def __init__(self, name: str, files: StoredImages, out: Path, known: Mapping[str, Shard], shard_bytes: int) -> None:
        self.files = files
        self.out = out
        self.known = known
        size = max(1, shard_bytes // torch.Size(files.form.shape).numel())
        self.shards = {self._file(name, k, ids): ids for k, ids in enumerate(torch.arange(len(files)).split(size))}

    def write(self, workers: int, say: Callable[[str], None]) -> Iterator[Shard]:
        """Yield the shards in their order, each once it is there."""
        found = {file: self._found(file, ids) for file, ids in self.shards.items()}
        asked = [batch for file, ids in self.shards.items() if found[file] is None for batch in ids.split(_BATCH)]
        batches = iter(DataLoader[Batch](self.files, batch_size=None, sampler=asked, num_workers=workers))
        done = 0
        for file, ids in self.shards.items():
            began = time.monotonic()
            shard = found[file] or self._write(file, ids, batches)
            done += len(ids)
            how = "was there" if found[file] else f"{len(ids) / (time.monotonic() - began):,.0f} pictures/s"
            say(f"{self.out / file}: {done:,} of {len(self.files):,} pictures, {how}")
            yield shard

    def _file(self, name: str, number: int, ids: Tensor) -> str:
        form = torch.frombuffer(bytearray(repr(self.files.form).encode()), dtype=torch.uint8)
        return f"{name}-{number:05d}-{digest(self.files.traced(ids), form)}.npy"

    def _found(self, file: str, ids: Tensor) -> Shard | None:
        """Return a shard that lies there and is, if a finished copy's index says what it should be, that."""
        if (known := self.known.get(file)) is not None:
            return known if known.is_intact(self.out) else None
        path = self.out / file
        if not path.is_file():
            return None
        with path.open("rb") as stream:
            return Shard(file, len(ids), sha256_of(stream, path.stat().st_size))

    def _write(self, file: str, ids: Tensor, batches: Iterator[Batch]) -> Shard:
        form, header = self.files.form, BytesIO()
        shape = (len(ids), form.size, form.size, form.channels)
        np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
        state = hashlib.sha256(header.getvalue())
        with atomic_path(self.out / file) as part, part.open("wb") as stream:
            stream.write(header.getvalue())
            for _ in ids.split(_BATCH):
                pixels = next(batches).input.permute(0, 2, 3, 1).contiguous().numpy().data
                stream.write(pixels)
                state.update(pixels)
        return Shard(file, len(ids), state.hexdigest())
