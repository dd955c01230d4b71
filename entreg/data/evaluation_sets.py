"""Sets to evaluate on besides validation and test: other classes, other sources, damaged test samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from entreg.data.samples import ResidentSamples, SampleSet
from entreg.data.source import LabelSpace, Source
from entreg.errors import ConfigError

Kind = Literal["ood", "shift", "corrupt"]
Conform = Callable[[Tensor, Source], Tensor]  # brings inputs of a data set to the form of the training inputs
SEVERITIES = (1, 2, 3, 4, 5)

# Symbols that nobody can tell apart without context: an "error" between them says little of a detector.
_LOOKALIKES = (frozenset("0Oo"), frozenset("1IiLl"), frozenset("2Zz"), frozenset("5Ss"), frozenset("9GgQq"))


@dataclass(frozen=True)
class EvaluationSet:
    """A set of samples to evaluate on.

    Args:
        kind: ``"ood"``: of other classes; ``"shift"``: of the same classes from another source; ``"corrupt"``: the
            test samples, damaged.
        name: of the set among its kind: ``kmnist``, of damaged samples ``<corruption>-<severity>``.
        samples: in the form of the training samples.
        classes: names of its classes.
        lookalikes: of an out-of-distribution set, the classes that look like one of the training classes.
        near: of an out-of-distribution set, whether it is of the domain of the training data.
        corruption: name and severity of what is done to the samples.
    """

    kind: Kind
    name: str
    samples: SampleSet
    classes: tuple[str, ...]
    lookalikes: tuple[int, ...] = ()
    near: bool = False
    corruption: tuple[str, int] | None = None

    @property
    def stem(self) -> str:
        """Name of the file of its predictions: ``ood-kmnist``, ``corrupt-blur-3``."""
        return f"{self.kind}-{self.name}"


def ood_set(name: str, guest: Source, training: LabelSpace, conform: Conform) -> EvaluationSet:
    """Test samples of ``guest``, none of whose classes is one that is trained on.

    Raises:
        ConfigError: if they share classes.
    """
    known = frozenset[str]().union(*training.symbols)
    shared = sorted(known & frozenset().union(*guest.symbols))
    if shared:
        raise ConfigError(
            f"data.ood: {name} shares classes with {training.owner} ({_some(shared)}), so it is not "
            f"out-of-distribution; evaluate on it with --data.shift [{name}]"
        )
    alike = tuple(
        k for k, symbols in enumerate(guest.symbols) if any(group & symbols and group & known for group in _LOOKALIKES)
    )
    inputs, targets = guest.checked(train=False)
    samples = ResidentSamples(conform(inputs, guest), targets)
    near = guest.domain == training.domain != ""
    return EvaluationSet("ood", name, samples, guest.classes, lookalikes=alike, near=near)


def shift_set(name: str, guest: Source, training: LabelSpace, conform: Conform) -> EvaluationSet:
    """Test samples of ``guest`` whose class is one that is trained on, as of that class: a covariate shift.

    Raises:
        ConfigError: if they share no class.
    """
    place = torch.full((guest.num_classes,), -1)
    for k, symbols in enumerate(guest.symbols):
        fitting = [j for j, trained in enumerate(training.symbols) if symbols <= trained]
        place[k] = fitting[0] if fitting else -1
    if (place < 0).all():
        raise ConfigError(
            f"data.shift: no class of {name} is a class of {training.owner} (it has {_some(guest.classes)}); "
            f"evaluate on it with --data.ood [{name}]"
        )
    inputs, targets = guest.checked(train=False)
    kept = place[targets] >= 0
    samples = ResidentSamples(conform(inputs[kept], guest), place[targets[kept]])
    return EvaluationSet("shift", name, samples, training.classes)


def named_corruptions(names: Sequence[str], known: tuple[str, ...]) -> tuple[str, ...]:
    """Return the corruptions asked for, ``all`` standing for all that are known.

    Raises:
        ConfigError: if there is no corruption of a name.
    """
    if list(names) == ["all"]:
        return known
    for name in names:
        if name not in known:
            raise ConfigError(f"data.corruptions: got {name!r}, expected [all] or some of {', '.join(known)}")
    return tuple(names)


def corrupted_sets(names: Sequence[str], test: SampleSet, classes: tuple[str, ...]) -> list[EvaluationSet]:
    """The test samples under each corruption at each severity."""
    return [
        EvaluationSet("corrupt", f"{name}-{severity}", test, classes, corruption=(name, severity))
        for name in names
        for severity in SEVERITIES
    ]


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:5]) + (", ..." if len(names) > 5 else "")
