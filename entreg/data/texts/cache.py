"""What texts were encoded to, kept in a file: each text is encoded once on a machine."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from entreg.console import print_line
from entreg.data.store import is_writable, locked
from entreg.data.texts.encoder import encoded, identity
from entreg.errors import DataError
from entreg.files import atomic_path

_FOLDER = "embeddings"


def embedded(texts: Sequence[str], encoder: str, root: Path, what: str) -> Tensor:
    """Return the vectors of texts, ``(N, D)`` float32, from the cache or encoded now and put there.

    The cache is ``<root>/embeddings``, or, where the root is read-only, ``entreg/embeddings`` below
    ``$XDG_CACHE_HOME``, by default ``~/.cache``. A file of it is known by a digest of the encoder and the texts; it
    appears whole or not at all, and of several processes that want it one makes it.

    Args:
        texts: N of them, in order.
        encoder: see :func:`entreg.data.texts.encoder.make_encoder`.
        root: folder of the data.
        what: whose texts they are, for the line that says where they are kept.

    Raises:
        ConfigError, DataError: see :func:`entreg.data.texts.encoder.encoded`; or if nothing can be kept anywhere.
    """
    name = f"{text_digest(texts, identity(encoder))}.npy"
    folders = [root / _FOLDER, user_cache() / _FOLDER]
    for folder in folders:
        if (file := folder / name).is_file():
            return _read(file)
    folder = folders[0] if is_writable(root) else folders[1]
    with locked(folder, name):
        file = folder / name
        if not file.is_file():  # else another process has made it meanwhile
            print_line(f"{what}: encoding {len(texts):,} texts with {encoder}, kept in {file}")
            vectors = encoded(texts, encoder)
            with atomic_path(file) as part:
                np.save(part, vectors)
    return _read(file)


def text_digest(texts: Sequence[str], *others: str) -> str:
    """SHA-256 of texts in their order, its first 32 hex digits; no two lists that differ have one digest."""
    state = hashlib.sha256()
    for text in (*others, *texts):
        content = text.encode("utf-8", "surrogatepass")
        state.update(len(content).to_bytes(8, "big") + content)
    return state.hexdigest()[:32]


def user_cache() -> Path:
    """Folder for what can be made anew, of this user."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "entreg"


def _read(file: Path) -> Tensor:
    try:
        return torch.from_numpy(np.load(file, allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise DataError(f"{file}: is damaged ({error}); delete it, and the texts are encoded again") from error
