"""What may be said of an arm, in a sentence: direction, size, interval and unit, the verdict, and what would help."""

from __future__ import annotations

from entreg.compare.measures import Measure
from entreg.compare.stats.comparison import Comparison, SeedsNeeded
from entreg.text import decimals

_MANY = 1000  # seeds, beyond which a number says no more


def sentence(arm: str, baseline: str, measure: Measure, comparison: Comparison) -> str:
    """Say what one measure says of an arm.

    Args:
        arm: its label.
        baseline: the baseline's.
        measure: what was measured.
        comparison: of both.
    """
    outcome, within = comparison.outcome, f"within {rounded(comparison.margin or 0)}{unit(measure)}"
    found = f"{difference(measure, comparison)} ({interval(measure, comparison)})"
    if outcome == "untestable":
        said = f"{arm} against {baseline}, {measure.name}: {_untestable(measure, comparison)}"
    elif outcome == "undecided":
        said = f"{arm} against {baseline}: no difference found, {found}; {would_help(measure, comparison)}"
    elif outcome == "equivalent":
        said = f"{arm} is equivalent to {baseline} {within}: {found}"
    else:
        said = f"{arm} is {outcome} than {baseline}: {found}{f', though {within}' if comparison.within_margin else ''}"
    if comparison.checkpoints is not None:
        said += f"; {comparison.checkpoints.describe(arm, baseline)}"
    return said


def difference(measure: Measure, comparison: Comparison) -> str:
    """Direction and size of a difference, with its unit."""
    size = comparison.difference
    if size is None:
        return measure.name
    if not size:
        return f"{measure.name} the same"
    return f"{measure.name} {decimals(abs(size), measure.digits)}{unit(measure)} {'higher' if size > 0 else 'lower'}"


def interval(measure: Measure, comparison: Comparison) -> str:
    """Level and ends of the interval that decides."""
    if comparison.interval is None:
        return "no interval"
    ends = " to ".join(decimals(end, measure.digits, "+") for end in comparison.interval)
    adjusted = "" if comparison.family == 1 else f", adjusted for {comparison.family} comparisons"
    if comparison.unpaired is not None:
        some = f"{comparison.shared} seed{'' if comparison.shared == 1 else 's'}" if comparison.shared else "no seed"
        adjusted += f", {some} in common"
    return f"{100 * (1 - comparison.alpha):.4g} %{adjusted}: {ends}"


def would_help(measure: Measure, comparison: Comparison) -> str:
    """Say what effect the study could detect, and with how many seeds another would detect the margin."""
    said = f"its minimum detectable effect is {rounded(comparison.detectable or 0)}{unit(measure)} (80 % power)"
    needed = comparison.seeds_needed
    if needed is None or (needed.about is not None and needed.about <= comparison.n):
        return said
    margin = f"{rounded(comparison.margin or 0)}{unit(measure)}"
    if needed.about is None:
        return f"{said}; to detect {margin} takes more test samples, no number of seeds is enough"
    if needed.about > _MANY:
        return f"{said}; to detect {margin} takes more than {_MANY:,} seeds an arm"
    return f"{said}; to detect {margin} takes about {seeds_text(needed, ' seeds an arm')}"


def seeds_text(needed: SeedsNeeded, of_what: str = "") -> str:
    """Return a number of seeds, what they are, and the range; of each number two digits count."""
    if needed.about is None:
        return "more test samples"
    if needed.about > _MANY:
        return _seeds(needed.about)
    ends = [_seeds(needed.low), _seeds(needed.high)]
    if needed.high is None or needed.high > _MANY:
        return f"{_seeds(needed.about)}{of_what} ({ends[0]} or more)"
    return f"{_seeds(needed.about)}{of_what} ({' to '.join(ends)})"


def rounded(value: float) -> str:
    """Return a number with two significant digits.

    Example:
        >>> rounded(0.1), rounded(0.05432), rounded(1234.5)
        ('0.1', '0.054', '1,200')
    """
    short = float(f"{value:.1e}")
    return f"{short:,.0f}" if abs(short) >= 100 else f"{short:g}"


def unit(measure: Measure) -> str:
    """Unit of a difference, with the space before it."""
    return f" {measure.unit}" if measure.unit else ""


def _seeds(number: int | None) -> str:
    return f"more than {_MANY:,}" if number is None or number > _MANY else rounded(number)


def _untestable(measure: Measure, comparison: Comparison) -> str:
    if comparison.n == 0:
        return "no seed to compare"
    if comparison.n == 1:
        return f"one seed says nothing about other seeds ({difference(measure, comparison)})"
    if comparison.difference == 0:
        return "identical on every seed"
    return f"the same difference on every seed ({difference(measure, comparison)}) says nothing about other seeds"
