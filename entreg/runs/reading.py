"""Files of a run folder, read as data: within limits, running no code of theirs, with one kind of error."""

from __future__ import annotations

import json
import math
import zlib
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile, ZipInfo

import numpy as np
import yaml

from entreg.errors import RunError

_MIB = 2**20
_CONFIG_BYTES, _JSON_BYTES = 4 * _MIB, 16 * _MIB
_CONFIG_VALUES = 100_000
_INFLATED_BYTES = 512 * _MIB
_LONGEST_INTEGER = 18  # digits of one that fits into 64 bits
# What the modules of zip and numpy raise of bytes that are not theirs; RuntimeError of an encrypted archive.
_DAMAGE = (BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError, ValueError)
_HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}

Array = np.ndarray[Any, Any]


def read_text(path: Path, limit: int) -> str:
    """Read a text file of at most ``limit`` bytes.

    Raises:
        RunError: if it is absent, no regular file, longer, not UTF-8, or cannot be read.
    """
    try:
        if not path.is_file():
            raise RunError(f"{path}: {'is no regular file' if path.exists() else 'is not there'}")
        if (size := path.stat().st_size) > limit:
            raise RunError(f"{path}: is {size / _MIB:.0f} MiB long, expected at most {limit // _MIB}")
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise RunError(f"{path}: cannot be read ({reason_of(error)})") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON file that holds an object.

    Raises:
        RunError: as :func:`read_text`, or if it holds anything else.
    """
    try:
        content = json.loads(read_text(path, _JSON_BYTES), parse_int=_integer)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path}: is damaged, it is no JSON ({reason_of(error)}); restore it") from error
    if not isinstance(content, dict):
        raise RunError(f"{path}: is damaged, it holds {type(content).__name__}, expected an object; restore it")
    return content


def read_yaml(path: Path) -> dict[str, Any]:
    """Read a YAML file of plain values that holds a mapping.

    Raises:
        RunError: as :func:`read_text`, if it holds anything else, or more than 100,000 values once its aliases are
            followed.
    """
    try:
        loader = yaml.SafeLoader(read_text(path, _CONFIG_BYTES))
        node = loader.get_single_node()
        if node is None or not isinstance(node, yaml.MappingNode):
            raise RunError(f"{path}: is damaged, expected a mapping of sections")
        if _is_larger(node, _CONFIG_VALUES):
            raise RunError(f"{path}: holds more than {_CONFIG_VALUES:,} values, so it is no config")
        content: dict[str, Any] = loader.construct_document(node)
    except (yaml.YAMLError, ValueError, TypeError, RecursionError) as error:
        raise RunError(f"{path}: is damaged, it is no YAML ({reason_of(error)}); restore it") from error
    return content


def read_arrays(path: Path, names: tuple[str, ...]) -> dict[str, Array]:
    """Read arrays of plain numbers from an ``.npz`` file; no pickles are opened.

    Raises:
        RunError: if it is anything else, if an array is absent or a byte of it was changed, or if it would inflate to
            more than 512 MiB and more than it is long.
    """
    try:
        with ZipFile(path) as archive:
            members = {name: archive.getinfo(f"{name}.npy") for name in names}
            size = sum(member.file_size for member in members.values())
            if size > max(path.stat().st_size, _INFLATED_BYTES):
                raise ValueError(f"it would inflate to {size / _MIB:.0f} MiB")
            return {name: _read_array(archive, member) for name, member in members.items()}
    except (OSError, *_DAMAGE) as error:
        raise RunError(f"{path}: is not a file of predictions, or damaged ({reason_of(error)})") from error


def reason_of(error: Exception) -> str:
    """Say an error in a few words: its first line, or what the system calls it."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, RecursionError):
        return "it is nested too deeply"
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _read_array(archive: ZipFile, member: ZipInfo) -> Array:
    with archive.open(member) as file:  # what the header promises is allocated before it is read: ask it first
        version = np.lib.format.read_magic(file)
        if version not in _HEADERS:
            raise ValueError(f"{member.filename} is of version {version}, expected one of {list(_HEADERS)}")
        shape, _, dtype = _HEADERS[version](file)
        promised = math.prod(shape) * dtype.itemsize
        if promised != member.file_size - file.tell():
            raise ValueError(f"{member.filename} is not as long as {dtype}{list(shape)}")
    with archive.open(member) as file:
        return np.lib.format.read_array(file, allow_pickle=False)


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > _LONGEST_INTEGER:
        raise ValueError(f"a number of {len(digits)} digits")
    return int(digits)


def _is_larger(node: yaml.Node, limit: int) -> bool:
    """Whether a document has more than ``limit`` values, each alias counted as what it stands for."""
    waiting, seen = [node], 0
    while waiting:
        seen += 1
        if seen + len(waiting) > limit:
            return True
        content = waiting.pop().value
        if isinstance(content, list):
            for part in content:
                waiting += part if isinstance(part, tuple) else (part,)
    return False
