"""Config files that are laid over each other: what a later one changes of what an earlier one has set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from jsonargparse import get_loader
from yaml import MarkedYAMLError, YAMLError

from entreg.text import shortened

_SUFFIXES = (".yaml", ".yml")


def settings(file: Path) -> dict[str, Any]:
    """Return every value of a config, and of the files that it includes, by its key (``trainer.devices``).

    A class stands under the key that it is chosen with; what cannot be read holds nothing.
    """
    return {key: value for key, value in _settings(_read(file), (file,)) if key}


def overridden(files: Iterable[Path]) -> list[str]:
    """Say what each file sets that one before it has set to something else, a line for each two files.

    ``configs/paper.yaml over configs/mix_ent.yaml: trainer.max_epochs 10 -> 200``; what a file includes is its own.

    Args:
        files: configs in the order in which they are given.
    """
    in_force: dict[str, tuple[Any, Path]] = {}
    changed: dict[tuple[Path, Path], list[str]] = {}
    for file in files:
        for key, value in settings(file).items():
            before, earlier = in_force.get(key, (value, file))
            if before != value:
                changed.setdefault((file, earlier), []).append(f"{key} {shortened(before)} -> {shortened(value)}")
            in_force[key] = value, file
    return [f"{file} over {earlier}: {', '.join(keys)}" for (file, earlier), keys in changed.items()]


def headless(files: Iterable[Path]) -> str | None:
    """Return the first of several configs that gives options of data which neither it nor one before it names."""
    keys: set[str] = set()
    for file in files:
        keys |= settings(file).keys()
        if "data" not in keys and any(key.startswith("data.") for key in keys):
            return str(file)
    return None


def broken(words: Iterable[str]) -> str | None:
    """Say which YAML file that a command line names, or such a file includes, cannot be parsed, and at which place."""
    files = [Path(word.rpartition("=")[2]) for word in words if word.endswith(_SUFFIXES)]
    seen: set[Path] = set()
    while files:
        file = files.pop(0)
        if file in seen or not file.is_file():
            continue
        seen.add(file)
        try:
            content = get_loader("yaml")(file.read_text(errors="replace"))
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = f" line {mark.line + 1}, column {mark.column + 1}:" if mark else ""
            return f"{file}:{place} {error.problem or error.context}"
        files += [file.parent / name for name in _strings(content) if name.endswith(_SUFFIXES)]
    return None


def _strings(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    for part in content.values() if isinstance(content, Mapping) else content if isinstance(content, list) else ():
        yield from _strings(part)


def _settings(content: Any, files: tuple[Path, ...], key: str = "") -> Iterator[tuple[str, Any]]:
    """Every value of a config by its key, as options are called: a class by the key that it is chosen with.

    Args:
        content: of the config, or of a part of it.
        files: it is read from the last of these, which those before include.
        key: of the part.
    """
    if isinstance(content, str) and content.endswith(_SUFFIXES):
        included = files[-1].parent / content
        part = _read(included) if included.is_file() and included not in files else None
        content, files = (part, (*files, included)) if isinstance(part, Mapping) else (content, files)
    if not isinstance(content, Mapping):
        yield key, content
        return
    for name, value in content.items():
        if name == "class_path":
            yield key, str(value).rpartition(".")[2]
        elif name == "init_args":
            yield from _settings(value, files, key)
        else:
            yield from _settings(value, files, f"{key}.{name}" if key else str(name))


def _read(file: Path) -> Any:
    try:
        return get_loader("yaml")(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, YAMLError):  # it is no config, which the parser says of those that are to be
        return None
