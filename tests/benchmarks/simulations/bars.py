"""What must hold of a share among simulated studies."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Bar:
    """A bar for the mean of what is recorded.

    Attributes:
        what: what is counted.
        key: under which it is recorded.
        low: least share.
        high: greatest share.
        exact: whether a share above ``high`` does not hold even where it is not significantly above.
    """

    what: str
    key: str
    low: float = 0.0
    high: float = 1.0
    exact: bool = False

    def holds(self, share: float, studies: int) -> bool:
        """Whether a share that was seen among so many studies is within the bar."""
        most = self.high * studies if self.exact else allowed(self.high, studies)
        return self.low <= share and round(share * studies) <= most

    def __str__(self) -> str:
        if self.high == 1:
            return f">= {100 * self.low:g} %"
        if self.exact:
            return f"{100 * self.low:g} to {100 * self.high:g} %" if self.high else "none"
        return f"not above {100 * self.high:g} %"


def allowed(share: float, studies: int) -> int:
    """Most studies that are not significantly more than a share of all: 2.5 standard errors above.

    Example:
        >>> allowed(0.05, 2000)
        124
    """
    return math.floor(studies * share + 2.5 * math.sqrt(studies * share * (1 - share)))
