"""What kinds of things the arms of a study differ in, and whether a comparison of them is one of a single thing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from entreg.runs.experiment import EPOCHS_BY_START, TRAINING_DATA
from entreg.text import enumerated

Differences = Mapping[str, Mapping[str, Any]]
"""By key, the value of each arm."""

LOSS, NETWORK, DATA, EPOCHS, RECIPE = KINDS = ("loss", "network", "data", "epochs", "recipe")
_HOW_DATA_ARE_USED = tuple(f"data.init_args.{key}" for key in ("batch_size", "augment", "mix", "mean", "std"))
_NAMED = 5  # things in a sentence


def kind_of(key: str) -> str:
    """Return which of :data:`KINDS` a key of an experiment belongs to.

    Example:
        >>> [kind_of(key) for key in ("model.loss.class_path", "data.init_args.batch_size", "model.optimizer")]
        ['loss', 'recipe', 'recipe']
    """
    if key.startswith(("model.loss.", "model.net")):
        return LOSS if key.startswith("model.loss.") else NETWORK
    if key in ("trainer.max_epochs", EPOCHS_BY_START):
        return EPOCHS
    is_data = key == TRAINING_DATA or (key.startswith("data.") and not key.startswith(_HOW_DATA_ARE_USED))
    return DATA if is_data else RECIPE


def by_kind(differences: Differences) -> dict[str, Differences]:
    """Sort differences by their kind, in the order of :data:`KINDS`; kinds without any are left out.

    Fingerprints of training data that differ because the data were chosen or damaged in another way say nothing more.
    """
    found = {kind: {key: values for key, values in differences.items() if kind_of(key) == kind} for kind in KINDS}
    if len(found[DATA]) > 1:
        found[DATA].pop(TRAINING_DATA, None)
    return {kind: of_kind for kind, of_kind in found.items() if of_kind}


def owners_of(key: str) -> list[str]:
    """Return the keys of the classes that an argument belongs to, the outermost first; none if it is no argument.

    Example:
        >>> owners_of("model.optimizer.init_args.lr"), owners_of("trainer.precision")
        (['model.optimizer.class_path'], [])
    """
    parts = key.split(".init_args.")
    return [f"{'.init_args.'.join(parts[:depth])}.class_path" for depth in range(1, len(parts))]


def premise_of(differences: Differences) -> str:
    """Say in what the arms differ besides the loss; empty if it is the loss alone, as a comparison is meant to be."""
    kinds = by_kind(differences)
    things = list(dict.fromkeys(thing for kind, found in kinds.items() for thing in _things(kind, found)))
    if things in ([], [LOSS]):
        return ""
    if len(things) == 1:
        return f"the arms differ in {things[0]} and in nothing else"
    if LOSS in things:
        others = _named(things[1:])
        return f"the arms differ in more than the loss, also in {others}: a difference need not be due to the loss"
    return f"the arms differ in more than one thing, {_named(things)}: a difference need not be due to one alone"


def _things(kind: str, found: Differences) -> list[str]:
    """Name what differs: a kind, or single settings of data and recipe; a class and its arguments are one."""
    if kind not in (DATA, RECIPE):
        return [kind]
    differing = (next((owner for owner in owners_of(key) if owner in found), key) for key in found)
    return [name_of_setting(key).partition(" (")[0] for key in differing]


def name_of_setting(key: str) -> str:
    """Return what a key is about: its last word, that of a list for a class in it.

    Example:
        >>> name_of_setting("trainer.callbacks.0.class_path"), name_of_setting("model.optimizer.init_args.lr")
        ('callbacks', 'lr')
    """
    return next(word for word in reversed(key.removesuffix(".class_path").split(".")) if not word.isdigit())


def _named(things: Sequence[str]) -> str:
    if len(things) > _NAMED:
        things = [*things[: _NAMED - 1], f"{len(things) - _NAMED + 1} more"]
    return enumerated(things)
