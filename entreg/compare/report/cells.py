"""Numbers as the text of a table's cell."""

from __future__ import annotations

from collections.abc import Iterable

from entreg.compare.measures import Measure
from entreg.compare.stats.comparison import Comparison
from entreg.compare.stats.intervals import Estimate
from entreg.compare.study import Study
from entreg.text import decimals


def number(value: float | None, digits: int) -> str:
    """Fixed decimals, ``-`` for what is undefined."""
    return "-" if value is None else decimals(value, digits)


def mean(values: Iterable[float], digits: int) -> str:
    """Mean of the values, ``-`` if there is none."""
    shown = list(values)
    return number(sum(shown) / len(shown) if shown else None, digits)


def mean_percent(shares: Iterable[float]) -> str:
    """Mean of shares in [0, 1], in percent with two decimals."""
    shown = list(shares)
    return f"{100 * sum(shown) / len(shown):.2f}" if shown else "-"


def p_value(p: float | None) -> str:
    """Three decimals; what is smaller is said to be."""
    return "<0.001" if p is not None and p < 0.001 else number(p, 3)


def estimate_text(estimate: Estimate, digits: int) -> str:
    """Mean and half of the interval, both ends where the mean is not in its middle; one seed has none.

    Example:
        >>> from entreg.compare.stats.intervals import Interval
        >>> estimate_text(Estimate(3, 99.9, interval=Interval(99.1, 100.0)), 1)
        '99.9 (99.1 to 100.0)'
    """
    if estimate.mean is None:
        return "-"
    if estimate.interval is None:
        return number(estimate.mean, digits)
    low, high = estimate.interval
    below, above = decimals(estimate.mean - low, digits), decimals(high - estimate.mean, digits)
    if below == above:
        return f"{decimals(estimate.mean, digits)} ± {above}"
    return f"{decimals(estimate.mean, digits)} ({decimals(low, digits)} to {decimals(high, digits)})"


def sampled(study: Study) -> str:
    """What the interval of an arm is over: where no predictions are at hand, nothing is known of other samples."""
    return "seeds and samples" if study.has_predictions else "seeds on these samples"


def difference_text(comparison: Comparison, measure: Measure) -> str:
    """A difference with its sign."""
    return "-" if comparison.difference is None else decimals(comparison.difference, measure.digits, "+")


def interval_text(comparison: Comparison, measure: Measure) -> str:
    """Both ends of the interval that decides, with their signs."""
    if comparison.interval is None:
        return "-"
    return " to ".join(decimals(end, measure.digits, "+") for end in comparison.interval)
