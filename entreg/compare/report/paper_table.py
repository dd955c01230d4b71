"""A narrow LaTeX table of what matters, for the column of a paper."""

from __future__ import annotations

from entreg.compare.analysis import Analysis
from entreg.compare.measures import Measure
from entreg.compare.report.cells import number
from entreg.compare.stats.comparison import Outcome
from entreg.compare.stats.intervals import Estimate
from entreg.text import for_latex

_USUAL = ("acc", "nll", "nll@T", "ce2")  # shown besides the primary measures
_SHORT = {"ce2": "CE$^2$ ($10^{-4}$)", "ce2@T": "CE$^2$ at T ($10^{-4}$)"}
_SIGNS: dict[Outcome, str] = {"better": "$^{+}$", "worse": "$^{-}$", "equivalent": "$^{=}$"}


def paper_table(analysis: Analysis) -> str:
    """Return a table of each arm's primary and usual measures, which needs the package booktabs alone.

    Mean and half of the interval are columns of their own, so that numbers stand below each other by the decimal.
    """
    keys = list(dict.fromkeys([*analysis.primary, *(key for key in _USUAL if key in analysis.measures)]))
    rows = [_row(analysis, keys, label) for label in analysis.study.arms]
    heads = [rf"\multicolumn{{2}}{{c}}{{{_head(analysis.measures[key])}}}" for key in keys]
    return "\n".join(
        [
            "% needs the package booktabs",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{_caption(analysis, keys)}}}",
            r"\label{tab:entreg-compare}",
            rf"\begin{{tabular}}{{l{'r@{}l' * len(keys)}}}",
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
        estimate, digits = analysis.estimates[key][label], analysis.measures[key].digits
        cells += [number(estimate.mean, digits), _half(estimate, digits) + _sign(analysis, key, label)]
    return rf"{' & '.join(cells)} \\"


def _half(estimate: Estimate, digits: int) -> str:
    if estimate.interval is None:
        return ""
    low, high = estimate.interval
    return rf"\,$\pm$\,{(high - low) / 2:.{digits}f}"


def _sign(analysis: Analysis, key: str, label: str) -> str:
    comparison = analysis.comparisons[key].get(label)
    return _SIGNS.get(comparison.outcome, "") if comparison is not None and key in analysis.primary else ""


def _head(measure: Measure) -> str:
    return _SHORT.get(measure.key, for_latex(measure.label))


def _caption(analysis: Analysis, keys: list[str]) -> str:
    said = [
        f"Mean over seeds of each arm on {analysis.study.samples} test samples, with half of the 95 % interval over "
        "seeds and images."
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
