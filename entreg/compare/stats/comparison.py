"""One arm against the baseline on one metric: the numbers, and the verdict that follows from them in words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from entreg.compare.stats.hierarchical import Hierarchical
from entreg.compare.stats.intervals import Estimate, Interval
from entreg.compare.stats.mcnemar import McNemar
from entreg.compare.stats.power import seeds_needed

Outcome = Literal["better", "worse", "equivalent", "undecided", "untestable"]


@dataclass(frozen=True)
class Comparison:
    """One metric of one arm against the baseline. Numbers are in the unit of the metric, ``None`` where undefined.

    Attributes:
        paired: difference, arm minus baseline, over seeds on these test images.
        hierarchical: the same over seeds and images.
        p: the larger p-value of ``paired`` and ``hierarchical``.
        p_holm: ``p`` adjusted for the number of arms; it decides.
        margin: largest difference that does not matter.
        p_equivalent: of equivalence within the margin, the larger of both estimates', adjusted likewise.
        arms: number of arms tested, what ``p_holm`` is adjusted for.
        checkpoints: exact McNemar test of two single checkpoints.
        higher_is_better: direction of the metric.
        alpha: level of the verdict.
    """

    paired: Estimate
    hierarchical: Hierarchical | None
    p: float | None
    p_holm: float | None
    margin: float | None
    p_equivalent: float | None
    arms: int
    checkpoints: McNemar | None
    higher_is_better: bool
    alpha: float

    @property
    def n(self) -> int:
        """Pairs of seeds."""
        return self.paired.n

    @property
    def difference(self) -> float | None:
        """Mean difference, arm minus baseline."""
        return self.paired.mean

    @property
    def interval(self) -> Interval | None:
        """Interval of the difference over seeds and images, or over seeds where that is all there is."""
        return (self.hierarchical or self.paired).interval

    @property
    def to_detect(self) -> float | None:
        """Difference that :attr:`seeds_needed` is about: the margin, without one the size of the one observed."""
        return self.margin if self.margin or self.difference is None else abs(self.difference)

    @cached_property
    def seeds_needed(self) -> int | None:
        """Seeds an arm that would show :attr:`to_detect` with power 0.8, if the variance is as observed.

        ``None`` if the variance is unknown, there is nothing to detect, or no number is enough.
        """
        if not self.to_detect or not self.paired.sd:
            return None
        images = (self.hierarchical.image_variance if self.hierarchical else None) or 0.0
        return seeds_needed(self.to_detect, self.paired.sd, images, self.alpha / self.arms)

    @property
    def outcome(self) -> Outcome:
        """The verdict in one word."""
        if self.difference is None or self.p_holm is None:
            return "untestable"
        if self.p_holm <= self.alpha:
            return "better" if (self.difference > 0) == self.higher_is_better else "worse"
        return "equivalent" if self._equivalent else "undecided"

    @property
    def verdict(self) -> str:
        """The verdict in words."""
        outcome = self.outcome
        if outcome == "untestable":
            return self._untestable()
        if outcome == "equivalent":
            return f"equivalent within {self.margin:g}"
        if outcome == "undecided":
            return f"not distinguishable: {self._missing()}"
        return f"{outcome}, by less than {self.margin:g}" if self._equivalent else outcome

    @property
    def _equivalent(self) -> bool:
        return self.p_equivalent is not None and self.p_equivalent <= self.alpha

    def _untestable(self) -> str:
        if self.n == 0:
            return "no common seed: nothing to compare"
        if self.n == 1:
            return "one seed: per-checkpoint test only"
        if self.difference == 0:
            return "identical on every seed"
        return "not testable: the same difference on every seed"

    def _missing(self) -> str:
        if not self.to_detect:
            return "no difference was seen"
        if self.seeds_needed is None:
            return f"to see {self.to_detect:g} more test images would be needed, no number of seeds is enough"
        if self.seeds_needed <= self.n:
            return f"{self.n} seeds an arm are enough to see {self.to_detect:g} in 4 of 5 studies"
        number = f"{self.seeds_needed:,}" if self.seeds_needed < 100 else f"{float(f'{self.seeds_needed:.1e}'):,.0f}"
        what = f"to see {self.margin:g}" if self.margin else "if the difference is the one observed"
        return f"about {number} seeds an arm would be needed {what}"
