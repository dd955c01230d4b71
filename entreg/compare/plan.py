"""What a study is to decide, written down before its runs."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import yaml

from entreg.errors import ConfigError
from entreg.files import atomic_path
from entreg.runs.reading import read_yaml

NAME = "plan.yaml"
"""Of the file that lies beside the runs it is about."""


@dataclass(frozen=True)
class Plan:
    """An analysis plan.

    Args:
        primary: measures that verdicts are about, and of each the largest difference that does not matter; ``None``:
            its usual one, if it has any.
        baseline: arm with which the others are compared.
        seeds: seeds an arm when the study is complete; looks before that are paid for, see
            :mod:`entreg.compare.looks`. ``None``: there is one look, and it is the last.
        alpha: level of all verdicts together, on each test set.
        arms: arms when the study is complete, the baseline among them; ``None``: those that are looked at, and none is
            added later.

    Raises:
        ConfigError: if a measure is unknown or a number out of its range.
    """

    primary: Mapping[str, float | None] = field(default_factory=lambda: {"acc": None})
    baseline: str | None = None
    seeds: int | None = None
    alpha: float = 0.05
    arms: int | None = None

    def __post_init__(self) -> None:
        from entreg.compare.measures import measure_of  # late: a sweep without a plan needs no PyTorch

        for key, margin in self.primary.items():
            try:
                measure_of(key)
            except (KeyError, AttributeError) as error:  # the latter of a key that is no text
                raise ConfigError(f"plan.primary: {key} is no measure; expected acc, nll, brier, nll@T ...") from error
            is_number = isinstance(margin, int | float) and not isinstance(margin, bool) and 0 < margin < math.inf
            if margin is not None and not is_number:
                raise ConfigError(f"plan.primary.{key}: a margin is a number > 0, got {margin!r}")
        if not self.primary:
            raise ConfigError("plan.primary: a plan names at least one measure, such as {acc: 0.1}")
        if self.baseline is not None and not isinstance(self.baseline, str):
            raise ConfigError(f"plan.baseline: expected the name of an arm, got {self.baseline!r}; put it in quotes")
        if self.seeds is not None and not (isinstance(self.seeds, int) and self.seeds >= 2):
            raise ConfigError(f"plan.seeds: expected a number of seeds >= 2, got {self.seeds!r}")
        if self.arms is not None and not (isinstance(self.arms, int) and self.arms >= 2):
            raise ConfigError(f"plan.arms: expected a number of arms >= 2, got {self.arms!r}")
        if not (isinstance(self.alpha, float) and 0 < self.alpha < 1):
            raise ConfigError(f"plan.alpha: expected a level in (0, 1), got {self.alpha!r}")

    @property
    def margins(self) -> dict[str, float]:
        """Margins that are given."""
        return {key: float(margin) for key, margin in self.primary.items() if margin is not None}


@dataclass(frozen=True)
class Written:
    """A plan in a file.

    Attributes:
        plan: the plan.
        path: its file.
        time: when it was written: as the file says that a sweep has written, else as the file system does.
    """

    plan: Plan
    path: Path
    time: datetime


def write_plan(path: Path, plan: Plan) -> None:
    """Write a plan down with the time.

    Raises:
        ConfigError: if another one has been written there.
    """
    content = _plain(plan)
    if path.is_file():
        written = {key: value for key, value in read_yaml(path).items() if key != "written"}
        if {"arms": plan.arms, **written} != content:  # older plans do not say how many arms there will be
            raise ConfigError(
                f"{path}: another plan was written down before the runs; start another sweep for this one"
            )
        return
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    with atomic_path(path) as part:
        part.write_text(yaml.safe_dump({**content, "written": now}, sort_keys=False), encoding="utf-8")


def read_plan(path: Path) -> Written:
    """Read a plan.

    Raises:
        ConfigError: if something in it is not a plan's.
        RunError: if the file cannot be read.
    """
    content = read_yaml(path)
    said = content.pop("written", None)
    if unknown := content.keys() - _plain(Plan()).keys():
        raise ConfigError(
            f"{path}: {min(unknown)} is no part of a plan, expected primary, baseline, seeds, arms, alpha"
        )
    if not isinstance(content.get("primary", {}), Mapping):
        raise ConfigError(f"{path}: primary is {content['primary']!r}, expected measures and margins: {{acc: 0.1}}")
    try:
        time = datetime.fromisoformat(said) if said else datetime.fromtimestamp(path.stat().st_mtime, timezone.utc)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{path}: written is {said!r}, expected a time as entreg sweep writes it") from error
    return Written(Plan(**content), path, time if time.tzinfo else time.replace(tzinfo=timezone.utc))


def _plain(plan: Plan) -> dict[str, Any]:
    return {**asdict(plan), "primary": dict(plan.primary)}
