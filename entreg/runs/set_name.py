"""What an evaluation set is called: its kind, its own name, and the severity of a corruption."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class SetKind(Enum):
    """How an evaluation set relates to the training data."""

    VAL = "val"
    """Held out of the training set, for choosing."""
    TEST = "test"
    """The test set."""
    OOD = "ood"
    """None of its classes is one of the training classes."""
    SHIFT = "shift"
    """Training classes from another source."""
    CORRUPT = "corrupt"
    """Test samples, corrupted."""


@dataclass(frozen=True)
class SetName:
    """Name of an evaluation set.

    Args:
        kind: what it is.
        name: of an out-of-distribution or shifted set its own name, of a corrupted one that of the corruption; there is
            one validation and one test set, which have none.
        severity: of a corruption, >= 1.

    Example:
        >>> SetName(SetKind.CORRUPT, "motion-blur", 3).stem
        'corrupt-motion-blur-3'
        >>> SetName.parse("ood-kmnist")
        SetName(kind=<SetKind.OOD: 'ood'>, name='kmnist', severity=None)
    """

    kind: SetKind
    name: str = ""
    severity: int | None = None

    @property
    def stem(self) -> str:
        """Name of its file of predictions, without the ending."""
        parts = [self.kind.value]
        if self.name:
            parts.append(self.name)
        if self.severity is not None:
            parts.append(str(self.severity))
        return "-".join(parts)

    @classmethod
    def parse(cls, stem: str) -> SetName | None:
        """Return the set whose predictions a file of this name holds, ``None`` if it is not called like one."""
        word, _, rest = stem.partition("-")
        if word not in {kind.value for kind in SetKind}:
            return None
        kind = SetKind(word)
        if kind in (SetKind.VAL, SetKind.TEST):
            return cls(kind) if stem == word else None
        if kind is not SetKind.CORRUPT:
            return cls(kind, rest) if rest else None
        corruption, _, severity = rest.rpartition("-")
        return cls(kind, corruption, int(severity)) if corruption and severity.isdecimal() else None


VAL, TEST = SetName(SetKind.VAL), SetName(SetKind.TEST)


def without_lookalikes(name: str) -> str:
    """Return where scores of an out-of-distribution set stand that leave out classes which look like trained ones."""
    return f"{name}-distinct"
