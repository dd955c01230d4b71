"""One arm against the baseline on one metric: the numbers, and what they decide."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from entreg.compare.stats.hierarchical import Hierarchical
from entreg.compare.stats.intervals import Estimate, Interval, deviation_interval, deviation_median
from entreg.compare.stats.mcnemar import McNemar
from entreg.compare.stats.power import detectable, seeds_needed

Outcome = Literal["better", "worse", "equivalent", "undecided", "untestable"]


class SeedsNeeded(NamedTuple):
    """Seeds an arm; ``None``: no number is enough, as the test images are too few.

    Attributes:
        about: at the median-unbiased estimate of the standard deviation.
        low: at the lower end of the 95 % interval of the standard deviation.
        high: at its upper end.
    """

    about: int | None
    low: int | None
    high: int | None


@dataclass(frozen=True)
class Comparison:
    """One metric of one arm against the baseline. Numbers are in the unit of the metric, ``None`` where undefined.

    Attributes:
        paired: difference, arm minus baseline, over seeds on these test images.
        hierarchical: the same over seeds and images.
        family: number of comparisons that are corrected together: each is made at ``alpha / family``, and that is the
            level of all intervals.
        margin: largest difference that does not matter.
        checkpoints: exact McNemar test of two single checkpoints.
        higher_is_better: direction of the metric.
        alpha: level of the family.
        unpaired: numbers of seeds of the arm and of the baseline, where they are not all paired.
        shared: how many of those both have.
    """

    paired: Estimate
    hierarchical: Hierarchical | None
    family: int
    margin: float | None
    checkpoints: McNemar | None
    higher_is_better: bool
    alpha: float
    unpaired: tuple[int, int] | None = None
    shared: int = 0

    @property
    def n(self) -> int:
        """Pairs of seeds; of arms that are not all paired, seeds of the one that has fewer."""
        return self.paired.n

    @property
    def difference(self) -> float | None:
        """Mean difference, arm minus baseline."""
        return self.paired.mean

    @property
    def interval(self) -> Interval | None:
        """Interval of the difference, which decides: the wider of that over seeds and that over seeds and images.

        Neither is always the wider: the second has the larger standard error, but more degrees of freedom.
        """
        if self.paired.interval is None or self.hierarchical is None or self.hierarchical.interval is None:
            return self.paired.interval
        (a, b), (c, d) = self.paired.interval, self.hierarchical.interval
        return Interval(min(a, c), max(b, d))

    @property
    def p(self) -> float | None:
        """Adjusted p-value of no difference; at most ``alpha`` where the interval lies on one side of 0."""
        if self.paired.p is None:
            return None
        larger = max(self.paired.p, (self.hierarchical and self.hierarchical.p) or 0.0)
        return min(1.0, self.family * larger)

    @property
    def outcome(self) -> Outcome:
        """What the interval says: it lies on one side of 0, or within the margin, or neither."""
        if self.interval is None:
            return "untestable"
        low, high = self.interval
        if low > 0 or high < 0:
            return "better" if (low > 0) == self.higher_is_better else "worse"
        return "equivalent" if self.within_margin else "undecided"

    @property
    def within_margin(self) -> bool:
        """Whether the interval lies within the margin."""
        if self.margin is None or self.interval is None:
            return False
        return -self.margin <= self.interval.low and self.interval.high <= self.margin

    @cached_property
    def detectable(self) -> float | None:
        """Smallest true difference that as many seeds find in 4 of 5 studies; as often too small as too large."""
        if not self.paired.sd or not self.paired.standard_error:
            return None
        # unpaired arms are as good as so many pairs; of few that are much alike it would be less than one
        seeds = max((self.paired.sd / self.paired.standard_error) ** 2, self.n)
        sd = deviation_median(self.paired.standard_error * math.sqrt(seeds), self.n)
        return detectable(seeds, sd, self._image_variance, self.alpha / self.family)

    @cached_property
    def seeds_needed(self) -> SeedsNeeded | None:
        """Seeds an arm that find a difference of the size of the margin in 4 of 5 studies; ``None`` without a margin.

        The observed difference is no size to ask for: what it would need only restates its p-value.
        """
        return None if self.margin is None else self.seeds_to_see(self.margin)

    def seeds_to_see(self, difference: float) -> SeedsNeeded | None:
        """Seeds an arm that find a true ``difference`` in 4 of 5 studies; ``None`` if the variance is unknown."""
        if not self.paired.sd:
            return None
        about, low, high = (
            seeds_needed(difference, sd, self._image_variance, self.alpha / self.family)
            for sd in (deviation_median(self.paired.sd, self.n), *deviation_interval(self.paired.sd, self.n))
        )
        return SeedsNeeded(about, low, high)

    @property
    def _image_variance(self) -> float:
        return (self.hierarchical.image_variance if self.hierarchical else None) or 0.0
