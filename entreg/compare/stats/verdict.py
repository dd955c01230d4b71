"""Which arms are better or worse than the baseline, or equivalent to it, with all of them tested at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from entreg.compare.stats.comparison import Comparison
from entreg.compare.stats.equivalence import tost
from entreg.compare.stats.hierarchical import Hierarchical, hierarchical_estimate
from entreg.compare.stats.intervals import Estimate, paired_estimate
from entreg.compare.stats.mcnemar import McNemar
from entreg.compare.stats.multiple import holm

__all__ = ["Comparison", "Pairs", "compare_arms"]


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


def compare_arms(
    pairs: Mapping[str, Pairs], *, higher_is_better: bool, margin: float | None = None, alpha: float = 0.05
) -> dict[str, Comparison]:
    """Compare arms with one baseline on one metric.

    "Better" and "worse" need both the paired t-test over seeds (the losses differ in expectation on these images) and
    the hierarchical test over seeds and images (they differ on images like these), each at ``alpha`` after Holm's
    correction over the arms. So, at no difference in either sense, the chance of any such word about any arm is at most
    ``alpha``. Neither test implies the other: the second has the larger standard error, but more degrees of freedom.
    Equivalence needs two one-sided tests of both kinds, with Holm's correction of its own. The words hold for one
    metric; who looks at ten metrics has ten chances.

    Args:
        pairs: by name of the arm.
        higher_is_better: direction of the metric.
        margin: largest difference that does not matter, stated before the results are seen; without one, equivalence
            is not tested.
        alpha: level of the verdicts, also of the intervals (1 - alpha).

    Returns:
        comparisons by name of the arm.

    Raises:
        ValueError: if values are not finite, shapes do not match, or ``margin`` or ``alpha`` is out of range.

    Example:
        >>> arms = {"min_ent": Pairs([95.9, 95.8, 96.0, 95.9], [95.2, 95.3, 95.2, 95.3])}
        >>> compare_arms(arms, higher_is_better=True)["min_ent"].verdict
        'better'
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha {alpha}: expected a level in (0, 1), such as 0.05")
    paired = {arm: paired_estimate(p.values, p.baseline, 1 - alpha) for arm, p in pairs.items()}
    both = {arm: _hierarchical(p, 1 - alpha) for arm, p in pairs.items()}
    p = {arm: _larger(paired[arm].p, b.p if b else None) for arm, b in both.items()}
    equivalent = {arm: _equivalence(paired[arm], both[arm], margin) for arm in pairs}
    p_holm = dict(zip(pairs, holm(list(p.values())), strict=True))
    p_equivalent = dict(zip(pairs, holm(list(equivalent.values())), strict=True))
    tested = sum(value is not None for value in p.values())
    return {
        arm: Comparison(
            paired=paired[arm],
            hierarchical=both[arm],
            p=p[arm],
            p_holm=p_holm[arm],
            margin=margin,
            p_equivalent=p_equivalent[arm],
            arms=tested,
            checkpoints=pair.checkpoints,
            higher_is_better=higher_is_better,
            alpha=alpha,
        )
        for arm, pair in pairs.items()
    }


def _hierarchical(pairs: Pairs, level: float) -> Hierarchical | None:
    if pairs.contributions is None:
        return None
    return hierarchical_estimate(pairs.values, pairs.baseline, pairs.contributions, level)


def _larger(first: float | None, second: float | None) -> float | None:
    return first if first is None or second is None else max(first, second)


def _equivalence(paired: Estimate, both: Hierarchical | None, margin: float | None) -> float | None:
    if margin is None:
        return None
    return _larger(tost(paired, margin), tost(both, margin) if both else None)
