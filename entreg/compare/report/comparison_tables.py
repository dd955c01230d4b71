"""Tables of what may be said of the arms against the baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from entreg.compare.analysis import Analysis
from entreg.compare.failures import counted
from entreg.compare.guessing import Contrast
from entreg.compare.report.cells import difference_text, interval_text, number, p_value
from entreg.compare.report.sheet import Sheet
from entreg.compare.sentences import difference, interval, rounded, seeds_text, sentence
from entreg.compare.stats.comparison import Comparison, Outcome

_HEADER = ["arm", "measure", "seeds", "difference", "interval", "minimum detectable", "p, adjusted"]
_MISSING = "one pair of seeds, or the same difference at all of them, has no interval; no pair, no difference"
WORDS: dict[Outcome, str] = {
    "better": "better",
    "worse": "worse",
    "equivalent": "equivalent",
    "undecided": "no difference found",
    "untestable": "not testable",
}


def verdicts(analysis: Analysis) -> list[tuple[Outcome, str]]:
    """Return what the primary measures say, an outcome and a sentence for each arm."""
    return [
        (
            comparison.outcome,
            sentence(*contrast, analysis.measures[key], comparison) + _failures(analysis, key, contrast),
        )
        for contrast, key, comparison in _compared(analysis, analysis.primary)
    ]


def standing(analysis: Analysis) -> str:
    """Say what the verdicts are worth, or why there are none."""
    if analysis.baseline is not None:
        return analysis.standing
    arms = [label for label, arm in analysis.study.arms.items() if arm[0].loss == "cross_entropy"]
    if len(analysis.study.arms) > 1:
        return f"{len(arms)} arms are of cross_entropy: say which is the baseline, such as --baseline {arms[0]!r}"
    return "one arm only: nothing to compare it with"


def verdict_sentences(analysis: Analysis) -> list[str]:
    """Say what verdicts are worth, then what the primary measures say, a sentence for each arm."""
    return [standing(analysis), *(said for _, said in verdicts(analysis))]


def verdicts_sheet(analysis: Analysis) -> Sheet:
    """The primary measures: every arm against the baseline, in numbers and a word."""
    rows = [
        [*_cells(analysis, contrast, key, comparison), WORDS[comparison.outcome]]
        for contrast, key, comparison in _compared(analysis, analysis.primary)
    ]
    title = f"{_against(analysis)}; {_level(analysis, analysis.primary)}"
    return Sheet(title, [*_HEADER, "verdict"], rows, _MISSING)


def secondary_sheet(analysis: Analysis) -> Sheet:
    """All other measures: estimates and intervals, and no verdict, as many looks find something by chance."""
    keys = [key for key in analysis.measures if key not in analysis.primary]
    rows = [_cells(analysis, contrast, key, comparison) for contrast, key, comparison in _compared(analysis, keys)]
    title = f"Other measures, for reading. {_against(analysis)}; {_level(analysis, keys)}"
    return Sheet(title, _HEADER, rows, _MISSING)


def power_sheet(analysis: Analysis, differences: Sequence[float]) -> Sheet:
    """Seeds an arm that a study needs to find a difference in 4 of 5 cases, if the variance is as observed."""
    rows = []
    for contrast, key, comparison in _compared(analysis, analysis.primary):
        needed = [comparison.seeds_to_see(size) for size in differences]
        cells = ["-" if seeds is None else seeds_text(seeds) for seeds in needed]
        rows.append([_name(analysis, contrast), analysis.measures[key].label, number(comparison.paired.sd, 3), *cells])
    header = ["arm", "measure", "sd of the paired difference", *(f"to find {size:g}" for size in differences)]
    return Sheet(
        "Seeds an arm, for 4 of 5 studies to find a difference (at the ends of the 95 % interval of the sd)",
        header,
        rows,
    )


def _failures(analysis: Analysis, key: str, contrast: Contrast) -> str:
    """Say which runs of either arm did not finish or collapsed, and what it would mean if the former had guessed."""
    study, said = analysis.study, []
    for arm in contrast:
        if failures := study.failures.get(arm):
            finished = len(study.arms[arm])
            said.append(f"of {arm} {finished} of {finished + len(failures)} seeds finished ({counted(failures)})")
        if collapsed := study.collapsed.get(arm):
            how = "no better than chance, or one class for nearly all"
            said.append(f"of {arm} {len(collapsed)} of {len(study.arms[arm])} seeds collapsed: {how}")
    if again := analysis.with_failures.get(key, {}).get(contrast):
        found = f"{difference(analysis.measures[key], again)} ({interval(analysis.measures[key], again)})"
        said.append(f"with the others counted as guessing: {WORDS[again.outcome]}, {found}")
    return "".join(f"; {part}" for part in said)


def _compared(analysis: Analysis, keys: Sequence[str]) -> Iterator[tuple[Contrast, str, Comparison]]:
    for key in keys:
        for contrast, comparison in analysis.contrasts(key).items():
            yield contrast, key, comparison


def _against(analysis: Analysis) -> str:
    """Say what the arms are compared with."""
    also = ", and the others with each other" if any(analysis.between.values()) else ""
    return f"Against {analysis.baseline}{also}"


def _name(analysis: Analysis, contrast: Contrast) -> str:
    """Name an arm, and what it is compared with, if that is not the baseline."""
    label, other = contrast
    return label if other == analysis.baseline else f"{label} against {other}"


def _cells(analysis: Analysis, contrast: Contrast, key: str, comparison: Comparison) -> list[str]:
    measure = analysis.measures[key]
    return [
        _name(analysis, contrast),
        measure.label,
        _pairs(comparison),
        difference_text(comparison, measure),
        interval_text(comparison, measure),
        "-" if comparison.detectable is None else rounded(comparison.detectable),
        p_value(comparison.p),
    ]


def _pairs(comparison: Comparison) -> str:
    """Pairs of seeds, or seeds of the arm and of the baseline, and how many of them both have."""
    if comparison.unpaired is None:
        return "1 pair" if comparison.n == 1 else f"{comparison.n} pairs"
    ours, theirs = comparison.unpaired
    return f"{ours} and {theirs}" + (f" ({comparison.shared} in common)" if comparison.shared else "")


def _level(analysis: Analysis, keys: Sequence[str]) -> str:
    """Say what the intervals are, all together."""
    first = next((comparison for _, _, comparison in _compared(analysis, keys)), None)
    if first is None:
        return "nothing to compare"
    adjusted = "" if first.family == 1 else f", adjusted for {first.family} comparisons"
    return f"{100 * (1 - first.alpha):.4g} % intervals{adjusted}"
