"""What was trained, as far as the folder of a run says: one entry a run."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from entreg.errors import RunError
from entreg.losses import name_of
from entreg.runs.folder import Run, read_config
from entreg.runs.lease import Watch
from entreg.runs.summary import check_unchanged, read_summary


@dataclass(frozen=True)
class Entry:
    """A run in a list of runs; ``None`` is what it does not say, or not yet.

    Attributes:
        run: name of its folder.
        loss: registry name, or class.
        net: class, and the name that it makes a network by, if it does.
        data: class, and split, if it has one.
        seed: of the run.
        epochs: that were trained.
        accuracy: share of test samples that are classified correctly.
        errors: number of test samples that are not.
        samples: number of test samples.
        ece: expected calibration error on test.
        state: ``finished``, ``being trained``, ``unfinished``, or why it cannot be read.
        age: seconds since something was last written to it.
    """

    run: str
    loss: str | None = None
    net: str | None = None
    data: str | None = None
    seed: int | None = None
    epochs: int | None = None
    accuracy: float | None = None
    errors: int | None = None
    samples: int | None = None
    ece: float | None = None
    state: str = "unfinished"
    age: int = 0


def entry_of(run: Run) -> Entry:
    """Return the entry of a run that has begun; of one that cannot be read, why."""
    written = max(path.stat().st_mtime for path in (run.config, run.metrics, run.summary) if path.is_file())
    age = max(0, round(time.time() - written))
    try:
        summary, config = read_summary(run), read_config(run)
        check_unchanged(run, summary, (run.config,))
    except RunError as error:
        return Entry(run.path.name, state=f"cannot be read: {error}", age=age)
    scores, (loss, _), model = summary.get("test", {}), _class_of(config["model"].get("loss")), config["model"]
    return Entry(
        run=run.path.name,
        loss=name_of(loss) if loss else None,
        net=_described(model.get("net"), "name"),
        data=_described(config["data"], "split"),
        seed=seed if isinstance(seed := config.get("seed_everything"), int) else None,
        epochs=summary.get("epochs"),
        accuracy=_finite(scores.get("acc")),
        errors=scores.get("errors"),
        samples=scores.get("n"),
        ece=_finite(scores.get("ece")),
        state=_state(run, summary),
        age=age,
    )


def _class_of(section: Any) -> tuple[str, Mapping[str, Any]]:
    """Class path and arguments in a section of a config, which may be the path alone."""
    if not isinstance(section, Mapping):
        return str(section or ""), {}
    arguments = section.get("init_args")
    return str(section.get("class_path", "")), arguments if isinstance(arguments, Mapping) else {}


def _described(section: Any, key: str) -> str | None:
    """Name of a class, and the argument that says which one of many it makes."""
    class_path, arguments = _class_of(section)
    name, which = class_path.rpartition(".")[2], arguments.get(key)
    return f"{name} {which}" if name and which else name or None


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _state(run: Run, summary: Mapping[str, Any]) -> str:
    if summary.get("finished"):
        return "finished"
    try:
        return "unfinished" if Watch().is_stale(run.lease) else "being trained"
    except OSError:  # another user's, which nobody else may read
        return "being trained"
