"""Which arms are better or worse than the baseline, or equivalent to it, with all of them tested at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from entreg.compare.stats.comparison import Comparison
from entreg.compare.stats.hierarchical import Hierarchical, hierarchical_estimate
from entreg.compare.stats.intervals import Estimate, paired_estimate
from entreg.compare.stats.mcnemar import McNemar
from entreg.compare.stats.unpaired import unpaired_estimate

__all__ = ["Comparison", "Pairs", "Unpaired", "compare_values"]


@dataclass(frozen=True, eq=False)
class Pairs:
    """One metric of an arm and of the baseline, for the seeds that both have.

    Attributes:
        values: ``(n,)``, the arm's.
        baseline: ``(n,)``, the baseline's.
        contributions: ``(n, K)``, of the images to each difference (:mod:`entreg.compare.stats.jackknife`); ``None``
            where no predictions are at hand, then inference is over seeds on this test set only.
        checkpoints: for a single seed, the test that is left.
    """

    values: ArrayLike
    baseline: ArrayLike
    contributions: ArrayLike | None = None
    checkpoints: McNemar | None = None


@dataclass(frozen=True, eq=False)
class Unpaired:
    """One metric of an arm and of the baseline, for seeds that are not all the same ones.

    Attributes:
        values: ``(a,)``, the arm's.
        baseline: ``(b,)``, the baseline's.
        contributions: ``(a, K)``, of the images to the arm's values; ``None`` where no predictions are at hand.
        baseline_contributions: ``(b, K)``, to the baseline's.
        shared: number of seeds that both have, which are the first of both, in one order.
    """

    values: ArrayLike
    baseline: ArrayLike
    contributions: ArrayLike | None = None
    baseline_contributions: ArrayLike | None = None
    shared: int = 0


def compare_values(
    pairs: Mapping[str, Pairs | Unpaired],
    *,
    higher_is_better: bool,
    margin: float | None = None,
    alpha: float = 0.05,
    family: int | None = None,
) -> dict[str, Comparison]:
    """Compare arms with one baseline on one metric.

    One interval of each difference decides, and is the one to show. It is the wider of that over seeds (the losses
    differ in expectation on these images) and that over seeds and images (they differ on images like these), at the
    level ``1 - alpha / family`` (Bonferroni), so that

    * *better* or *worse*, it lies on one side of 0, is said of any of the family where there is no difference with
      probability ``alpha`` at most;
    * *equivalent*, it lies within the margin, likewise of differences that reach the margin.

    Holm's correction would decide a little more often, by intervals that nobody can show.

    Args:
        pairs: by name of the arm; what is not all paired is compared by the test of partially
            overlapping samples (Welch's, where no seed is shared) and its like over images.
        higher_is_better: direction of the metric.
        margin: largest difference that does not matter, stated before the results are seen; without one, equivalence
            is not looked at.
        alpha: level of the family.
        family: number of comparisons that are corrected together, such as those of several metrics; default: the arms
            that can be compared on this one.

    Returns:
        comparisons by name of the arm.

    Raises:
        ValueError: if values are not finite, shapes do not match, or ``margin``, ``alpha`` or ``family`` is out of
            range.

    Source: Dunn 1961, *Multiple comparisons among means*; of equivalence by intervals, Schuirmann 1987.

    Example:
        >>> arms = {"min_ent": Pairs([95.9, 95.8, 96.0, 95.9], [95.2, 95.3, 95.2, 95.3])}
        >>> compare_values(arms, higher_is_better=True)["min_ent"].outcome
        'better'
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha {alpha}: expected a level in (0, 1), such as 0.05")
    if margin is not None and not margin > 0:
        raise ValueError(f"margin {margin}: expected > 0, the largest difference that does not matter")
    if family is None:
        family = max(1, sum(min(np.size(pair.values), np.size(pair.baseline)) > 1 for pair in pairs.values()))
    if family < 1:
        raise ValueError(f"family {family}: expected a number of comparisons >= 1")
    found = {}
    for arm, pair in pairs.items():
        over_seeds, over_both = _estimates(pair, 1 - alpha / family)
        found[arm] = Comparison(
            paired=over_seeds,
            hierarchical=over_both,
            family=family,
            margin=margin,
            checkpoints=pair.checkpoints if isinstance(pair, Pairs) else None,
            higher_is_better=higher_is_better,
            alpha=alpha,
            unpaired=None if isinstance(pair, Pairs) else (np.size(pair.values), np.size(pair.baseline)),
            shared=0 if isinstance(pair, Pairs) else pair.shared,
        )
    return found


def _estimates(pair: Pairs | Unpaired, level: float) -> tuple[Estimate, Hierarchical | None]:
    """Return the difference over seeds, and over seeds and images where these are known."""
    if isinstance(pair, Unpaired):
        alone = unpaired_estimate(pair.values, pair.baseline, level=level, shared=pair.shared)
        if pair.contributions is None:
            return alone, None
        images = pair.contributions, pair.baseline_contributions
        return alone, unpaired_estimate(pair.values, pair.baseline, *images, level, pair.shared)
    over_seeds = paired_estimate(pair.values, pair.baseline, level)
    if pair.contributions is None:
        return over_seeds, None
    return over_seeds, hierarchical_estimate(pair.values, pair.baseline, pair.contributions, level)
