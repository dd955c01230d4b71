"""What the arms of a study differ in, and what they are called because of it."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from entreg.compare.result import Result
from entreg.runs.experiment import OF_TRAINING

_LONGEST = 40  # characters of a label; what is longer fills a line of a table


def differences_of(arms: Mapping[str, Sequence[Result]]) -> dict[str, dict[str, Any]]:
    """Return in what arms differ: keys of their configs, or of their trainings (:mod:`entreg.runs.experiment`).

    Args:
        arms: runs of each arm by any key.

    Returns:
        by config key, the value of each arm.
    """
    configs = {key: runs[0].config for key, runs in arms.items()}
    found = {}
    for name in sorted({name for config in configs.values() for name in config}):
        values = {key: config.get(name) for key, config in configs.items()}
        if len({json.dumps(value, sort_keys=True, default=str) for value in values.values()}) > 1:
            found[name] = values
    return found


def labels_of(arms: Mapping[str, Sequence[Result]], differences: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Name arms by their loss, by the names of their runs, or by what differs: the first that tells them apart.

    Args:
        arms: runs of each arm by its hash.
        differences: :func:`differences_of` them.

    Returns:
        labels by hash; where nothing short tells all arms apart, of the loss and the beginning of the hash.
    """
    losses = {hashed: runs[0].loss for hashed, runs in arms.items()}
    if _are_distinct_and_short(losses.values()):
        return losses
    names = {hashed: str(runs[0].summary.get("name") or losses[hashed]) for hashed, runs in arms.items()}
    if _are_distinct_and_short(names.values()):
        return names
    values = {hashed: _loss_and_values(hashed, losses[hashed], differences) for hashed in arms}
    if _are_distinct_and_short(values.values()):
        return values
    return {hashed: f"{losses[hashed]}-{hashed[:6]}" for hashed in arms}


def _loss_and_values(hashed: str, loss: str, differences: Mapping[str, Mapping[str, Any]]) -> str:
    """Loss, and the values of an arm where its config differs from others in more than the class of the loss."""
    words = [loss]
    for key, values in differences.items():
        if not key.startswith("model.loss.class_path") and key not in OF_TRAINING:
            words.append(f"{key.rsplit('.', 1)[-1]}={values[hashed]}")
    return " ".join(words)


def _are_distinct_and_short(labels: Collection[str]) -> bool:
    return len(set(labels)) == len(labels) and all(len(label) <= _LONGEST for label in labels)
