"""A narrow LaTeX table of what matters, for the column of a paper."""

from __future__ import annotations

import math

from entreg.compare.analysis import Analysis
from entreg.compare.measures import Measure
from entreg.compare.report.cells import number, sampled
from entreg.compare.stats.comparison import Outcome
from entreg.compare.stats.intervals import Estimate
from entreg.text import for_latex

_USUAL = ("acc", "nll", "nll@T", "ce2")  # shown besides the primary measures
_SHORT = {"ce2": "CE$^2$, $10^{-4}$", "ce2@T": "CE$^2$ at T, $10^{-4}$"}
_PLUS_MINUS = " +- "
_SIGNS: dict[Outcome, str] = {"better": "$^{+}$", "worse": "$^{-}$", "equivalent": "$^{=}$"}


def paper_table(analysis: Analysis) -> str:
    """Return a table of each arm's primary and usual measures, for the packages booktabs and siunitx.

    Numbers are in columns of siunitx, mean and half of the interval as ``95.20 +- 0.25``, so that they stand below each
    other by the decimal. No more decimals are shown than give the largest half two digits that count.
    """
    keys = list(dict.fromkeys([*analysis.primary, *(key for key in _USUAL if key in analysis.measures)]))
    rows = [_row(analysis, keys, label) for label in analysis.study.arms]
    heads = [f"{{{_head(analysis.measures[key])}}}" for key in keys]
    columns = [_column(analysis, key) for key in keys]
    return "\n".join(
        [
            "% needs the packages booktabs and siunitx",
            r"\begin{table}",
            r"\centering\footnotesize\setlength{\tabcolsep}{2pt}",
            r"\sisetup{separate-uncertainty, tight-spacing, table-align-text-post=false}",
            rf"\caption{{{_caption(analysis, keys)}}}",
            r"\label{tab:entreg-compare}",
            rf"\begin{{tabular}}{{@{{}}l {' '.join(columns)}}}",
            r"\toprule",
            rf"arm & {' & '.join(heads)} \\",
            r"\midrule",
            *rows,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _row(analysis: Analysis, keys: list[str], label: str) -> str:
    cells = [for_latex(label)]
    for key in keys:
        estimate, digits = analysis.estimates[key][label], _digits(analysis, key)
        cells.append(number(estimate.mean, digits) + _half(estimate, digits) + _sign(analysis, key, label))
    return rf"{' & '.join(cells)} \\"


def _digits(analysis: Analysis, key: str) -> int:
    """Decimals of a measure's column."""
    ends = [estimate.interval for estimate in analysis.estimates[key].values() if estimate.interval is not None]
    halves = [(high - low) / 2 for low, high in ends if high > low]
    wanted = 1 - math.floor(math.log10(max(halves))) if halves else analysis.measures[key].digits
    return max(0, min(wanted, analysis.measures[key].digits))


def _column(analysis: Analysis, key: str) -> str:
    """A column with room for the longest mean and half of an interval, ``S[table-format=2.2(3)]``."""
    digits, found = _digits(analysis, key), analysis.estimates[key].values()
    means = [number(estimate.mean, digits) for estimate in found]
    sign = "-" if any(mean.startswith("-") for mean in means) else ""
    whole = max(len(mean.lstrip("-").partition(".")[0]) for mean in means)
    halves = [_half(estimate, digits).removeprefix(_PLUS_MINUS) for estimate in found if estimate.interval is not None]
    room = max((len(half.replace(".", "").lstrip("0")) for half in halves), default=0)
    decimals = f".{digits}" if digits else ""
    options = [f"table-format={sign}{whole}{decimals}{f'({room})' if room else ''}"]
    if any(_sign(analysis, key, label) for label in analysis.others):
        options.append("table-space-text-post=$^{+}$")
    return f"S[{', '.join(options)}]"


def _half(estimate: Estimate, digits: int) -> str:
    if estimate.interval is None:
        return ""
    low, high = estimate.interval
    return f"{_PLUS_MINUS}{(high - low) / 2:.{digits}f}"


def _sign(analysis: Analysis, key: str, label: str) -> str:
    comparison = analysis.comparisons[key].get(label)
    sign = _SIGNS.get(comparison.outcome) if comparison is not None and key in analysis.primary else None
    return f" {{{sign}}}" if sign else ""


def _head(measure: Measure) -> str:
    return _SHORT.get(measure.key, for_latex(measure.label))


def _caption(analysis: Analysis, keys: list[str]) -> str:
    said = [
        f"Mean over seeds of each arm on {analysis.study.samples} test samples, with half of the 95 % interval over "
        f"{sampled(analysis.study)}."
    ]
    if any(key.startswith("ce2") for key in keys):
        said.append("CE: calibration error, debiased.")
    if any("@T" in key for key in keys):
        said.append("At T: after temperature scaling.")
    if analysis.baseline is not None:
        primary = ", ".join(analysis.measures[key].name for key in analysis.primary)
        said.append(f"Against {analysis.baseline}, in {primary} ({analysis.standing}):")
    text = for_latex(" ".join(said))
    signs = [f"{_SIGNS[outcome]} {outcome}" for outcome in ("better", "worse", "equivalent")]
    return text if analysis.baseline is None else f"{text} {', '.join(signs)}."
