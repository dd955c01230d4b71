"""``summary.json``: what came of a run, with checksums of the record that it closes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from entreg.errors import RunError
from entreg.files import sha256_of, write_json
from entreg.runs.expected import EXPECTED
from entreg.runs.folder import Run
from entreg.runs.reading import read_json, reason_of
from entreg.text import shortened

_CHECKSUMS = "checksums"


def write_summary(run: Run, content: Mapping[str, Any], config_follows: bool = False) -> None:
    """Write ``summary.json`` with checksums of itself, the config and, once ``finished``, all that results come from.

    Args:
        run: its folder.
        content: what to write.
        config_follows: whether the config is about to be written, so that it has no checksum yet.
    """
    plain = json.loads(json.dumps({key: value for key, value in content.items() if key != _CHECKSUMS}))
    record = [] if config_follows else [run.config]
    if plain.get("finished"):
        record += [run.checkpoint("best"), run.metrics, *run.all_predictions()]
    checksums = {_name(run, path): f"{path.stat().st_size} {_sha256(path)}" for path in record if path.is_file()}
    write_json(run.summary, {**plain, _CHECKSUMS: {**checksums, run.summary.name: _checksum(plain)}})


def read_summary(run: Run) -> dict[str, Any]:
    """Read ``summary.json``; empty if there is none yet. One of an older version has no checksums to compare.

    Raises:
        RunError: if it is damaged, was edited, or holds what no summary holds.
    """
    if not run.summary.exists():
        return {}
    content = read_json(run.summary)
    for key, (is_right, expected) in EXPECTED.items():
        if key in content and not is_right(content[key]):
            raise RunError(f"{run.summary}: is damaged ({key} is {shortened(content[key])}, expected {expected})")
    checksums = content.get(_CHECKSUMS, {})
    rest = {key: value for key, value in content.items() if key != _CHECKSUMS}
    if checksums and checksums.get(run.summary.name) != _checksum(rest):
        raise RunError(
            f"{run.summary}: is damaged or was edited, its checksum is another; restore it, or remove its entry "
            f'"{_CHECKSUMS}" if the change was meant'
        )
    return content


def check_unchanged(run: Run, summary: Mapping[str, Any], paths: Iterable[Path]) -> None:
    """Check that files of a run are as they were when its summary was written; ``metrics.csv`` may have grown since.

    Files that are absent are not looked at, and of a summary without checksums nothing is.

    Raises:
        RunError: naming the file that was changed.
    """
    checksums = summary.get(_CHECKSUMS, {})
    for path in paths:
        noted = checksums.get(_name(run, path))
        if noted is None or not path.is_file():
            continue
        size, _, checksum = noted.partition(" ")
        try:
            found = _sha256(path, int(size) if path == run.metrics else None)
        except (OSError, ValueError) as error:
            raise RunError(f"{path}: cannot be compared with its checksum ({reason_of(error)})") from error
        if found != checksum:
            instead = {run.config: ", or give changes as options", run.checkpoint("best"): ""}
            anew = f", or make it anew: entreg fit --run {run.path}"
            raise RunError(f"{path}: was changed after summary.json was written; restore it{instead.get(path, anew)}")


def _name(run: Run, path: Path) -> str:
    return path.relative_to(run.path).as_posix()


def _checksum(content: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _sha256(path: Path, size: int | None = None) -> str:
    """Digest of a file, or of its first ``size`` bytes."""
    with path.open("rb") as file:
        return sha256_of(file, path.stat().st_size if size is None else size)
