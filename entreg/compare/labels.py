"""What the arms of a study differ in, and what they are called because of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from entreg.compare.kinds import LOSS, NETWORK, Differences, by_kind, name_of_setting, owners_of
from entreg.compare.result import Result
from entreg.runs.experiment import BATCHNORM_PARTS, EPOCHS_BY_START, TRAINING_DATA

_LONGEST = 60  # characters of a label; what is longer fills a line of a table
_LONGEST_PARTS = (36, 12)  # of what is said of one kind; where labels would be too long, the second
_OF_SOME = (EPOCHS_BY_START, BATCHNORM_PARTS)  # arms without these lack nothing


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
        if len({_plain(value) for value in values.values()}) > 1:
            found[name] = values
    return found


def labels_of(arms: Mapping[str, Sequence[Result]], differences: Differences) -> dict[str, str]:
    """Name arms by their loss and by every kind of thing that they differ in: ``mix_ent (VGG5, 6 epochs)``.

    Of a kind the values are named in which an arm differs from others, ``lr=0.1``. Where that would be long the sets of
    values are numbered instead, ``recipe 2``; what is in them is among the differences.

    Args:
        arms: runs of each arm by its hash.
        differences: :func:`differences_of` them.

    Returns:
        labels by hash, no two of them the same.
    """
    kinds = by_kind(differences)
    losses = {hashed: runs[0].loss for hashed, runs in arms.items()}
    labels: dict[str, str] = {}
    for longest in _LONGEST_PARTS:
        parts = [_named(kind, found, losses, longest) for kind, found in kinds.items()]
        labels = {arm: _label(loss, [part[arm] for part in parts if part[arm]]) for arm, loss in losses.items()}
        if all(len(label) <= _LONGEST for label in labels.values()):
            break
    return labels


def _label(loss: str, said: Sequence[str]) -> str:
    return f"{loss} ({', '.join(said)})" if said else loss


def _named(kind: str, found: Differences, losses: Mapping[str, str], longest: int) -> dict[str, str]:
    """Say of each arm what it is in one kind of thing: its values, or the number of the set of them."""
    sets = {arm: _plain({key: values[arm] for key, values in found.items()}) for arm in losses}
    texts = {arm: ", ".join(_words(kind, found, arm)) for arm in losses}
    told_apart = {(losses[arm] if kind == LOSS else "", text) for arm, text in texts.items()}
    unclear = len(told_apart) < len(set(sets.values()))
    if not unclear and all(len(text) <= longest for text in texts.values()):
        return texts
    numbers = {content: number for number, content in enumerate(dict.fromkeys(sets.values()), 1)}
    return {arm: f"{kind} {numbers[sets[arm]]}" if text or unclear else "" for arm, text in texts.items()}


def _words(kind: str, found: Differences, arm: str) -> Iterator[str]:
    """The values in which an arm differs from others, arguments of a class from those of the arms that have it too."""
    for key, values in found.items():
        if key == "model.loss.class_path" or (values[arm] is None and key in _OF_SOME):
            continue  # the label begins with the loss
        classes = [found[owner] for owner in owners_of(key) if owner in found]
        alike = [other for other in values if all(of_class[other] == of_class[arm] for of_class in classes)]
        if kind not in (LOSS, NETWORK) and values[arm] is not None:  # other losses and networks have other defaults
            alike = [other for other in values if other in alike or values[other] is not None]
        if len({_plain(values[other]) for other in alike}) > 1:
            yield _word(key, values[arm])


def _word(key: str, value: Any) -> str:
    name = key.rpartition(".")[2]
    if key == "trainer.max_epochs":
        return f"{value} epoch{'' if value == 1 else 's'}"
    if key == EPOCHS_BY_START:
        return f"prolonged from {' to '.join(map(str, value))}"
    if key == TRAINING_DATA:
        return f"training data {value}"[:20]
    if key == BATCHNORM_PARTS:
        return f"BatchNorm in {' then '.join(map(str, value))} parts"
    if value is None:
        return f"no {name_of_setting(key)}"
    if name == "class_path":
        return str(value).rpartition(".")[2]
    return f"{name}={value:.4g}" if isinstance(value, float) else f"{name}={value}"


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=str)
