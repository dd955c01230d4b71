"""A comparison as tables: one content for the terminal, Markdown, LaTeX, CSV and HTML."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.dynamics import Reached
from entreg.compare.stats.intervals import Estimate, mean_estimate
from entreg.compare.stats.power import seeds_needed
from entreg.compare.stats.verdict import Comparison
from entreg.compare.study import Result
from entreg.metrics import OOD_SCORES

_LATEX = {character: f"\\{character}" for character in "%_&#{}$"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "±": r"$\pm$",
}


@dataclass(frozen=True)
class Sheet:
    """A table of text.

    Attributes:
        title: what it shows.
        header: names of the columns.
        rows: as many cells each.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """Return a Markdown table."""
        lines = [self.header, ["---"] + ["---:"] * (len(self.header) - 1), *self.rows]
        cells = ["| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines]
        return "\n".join([f"**{self.title}**", "", *cells, ""])

    def latex(self) -> str:
        """Return a LaTeX table, with the rules of the package booktabs."""
        columns = "l" + "r" * (len(self.header) - 1)
        head, *body = (" & ".join(_latex(cell) for cell in line) + r" \\" for line in (self.header, *self.rows))
        lines = [
            r"\begin{table}",
            rf"\caption{{{_latex(self.title)}}}",
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            head,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
        ]
        return "\n".join(lines) + "\n"

    def csv(self) -> str:
        """Return comma-separated values."""
        file = StringIO()
        csv.writer(file, lineterminator="\n").writerows([self.header, *self.rows])
        return file.getvalue()


def arms_sheet(analysis: Analysis) -> Sheet:
    """Every arm: seeds, error counts, mean and interval of every measure."""
    n = analysis.study.results[0].scores["test"]["n"]
    keys = [key for key in analysis.measures if not key.startswith("ce2")]
    rows = []
    for label, arm in analysis.study.arms.items():
        errors = [result.scores["test"]["errors"] for result in arm]
        temperatures = [result.scores["temperature"] for result in arm if "temperature" in result.scores]
        rows.append(
            [
                label,
                str(len(arm)),
                ", ".join(map(str, errors)) if len(errors) <= 3 else f"{min(errors)} to {max(errors)}",
                *(estimate_text(analysis.estimates[key][label], analysis.measures[key].digits) for key in keys),
                *(_calibration(arm, at) for at in ("", "scaled")),
                f"{sum(temperatures) / len(temperatures):.2f}" if temperatures else "-",
            ]
        )
    labels = [*(analysis.measures[key].label for key in keys), "ECE %", "ECE % at T"]
    return Sheet(
        "Mean over seeds ± half of its 95 % t interval", ["arm", "seeds", f"errors of {n}", *labels, "T"], rows
    )


def verdicts_sheet(analysis: Analysis) -> Sheet:
    """The primary measures: every arm against the baseline, in numbers and words."""
    return _comparisons_sheet(analysis, analysis.primary, f"Against {analysis.baseline}, paired by seed")


def secondary_sheet(analysis: Analysis) -> Sheet:
    """All other measures; who looks at many has many chances."""
    keys = [key for key in analysis.measures if key not in analysis.primary]
    return _comparisons_sheet(
        analysis, keys, f"Other measures against {analysis.baseline}: each is a chance of its own"
    )


def power_sheet(analysis: Analysis, differences: Sequence[float]) -> Sheet:
    """Seeds an arm that a study needs to see a difference with power 0.8, if the variance is as observed."""
    rows = []
    for key in analysis.primary:
        for label, comparison in analysis.comparisons[key].items():
            sd = comparison.paired.sd
            images = (comparison.hierarchical.image_variance if comparison.hierarchical else None) or 0.0
            cells = [
                str(seeds_needed(d, sd, images, comparison.alpha / max(comparison.arms, 1)) or "too few images")
                if sd
                else "-"
                for d in differences
            ]
            rows.append([label, analysis.measures[key].label, number(sd, 3), *cells])
    header = ["arm", "measure", "sd of the paired difference", *(f"seeds to see {d:g}" for d in differences)]
    return Sheet("Seeds an arm needed, power 0.8, if the variance is as observed", header, rows)


def differences_sheet(analysis: Analysis) -> Sheet:
    """The config keys in which the arms differ."""
    rows = [
        [key, *(str(values.get(label, "-")) for label in analysis.study.arms)]
        for key, values in analysis.study.differences.items()
    ]
    return Sheet("What differs between the arms", ["key", *analysis.study.arms], rows)


def convergence_sheet(found: Mapping[str, Sequence[Convergence]]) -> Sheet:
    """How fast and how steadily the arms learnt.

    Times are medians over seeds, in which a run that never gets there counts as the slowest; the rest are means.
    """
    targets = next((run.reached for arm in found.values() for run in arm), {})
    rows = []
    for label, arm in found.items():
        times = []
        for target in targets:
            there = [when for run in arm if (when := run.reached[target]) is not None]
            times.append(_time_to_reach(there, len(arm)))
        variances = [run.gradient_variance for run in arm if run.gradient_variance is not None]
        rows.append(
            [
                label,
                *times,
                f"{sum(run.area for run in arm) / len(arm):.2%}" if arm else "-",
                f"{sum(run.spikes for run in arm) / len(arm):.1f}" if arm else "-",
                f"{sum(variances) / len(variances):.3f}" if variances else "-",
            ]
        )
    header = ["arm", *(f"to {100 * target:g}% validation accuracy" for target in targets)]
    return Sheet(
        "Convergence", [*header, "mean validation accuracy", "loss spikes a run", "variance of log gradient norm"], rows
    )


def ood_sheet(analysis: Analysis) -> Sheet:
    """How well each arm tells test images from each other set: means over seeds, before and after T."""
    rows = []
    for label, arm in analysis.study.arms.items():
        for name in sorted({name for result in arm for name in result.scores.get("ood", {})}):
            sets = [result.scores["ood"][name] for result in arm if name in result.scores.get("ood", {})]
            told = [_percent(of_run[score]["auroc"] for of_run in sets) for score in OOD_SCORES]
            scaled = _percent(of_run["scaled"]["msp"]["auroc"] for of_run in sets if "scaled" in of_run)
            rest = [_percent(of_run["msp"][key] for of_run in sets) for key in ("fpr95", "aupr_in", "aupr_out")]
            sure = _percent(of_run["overconfident"] for of_run in sets)
            rows.append([f"{name} ({'near' if sets[0].get('near') else 'far'})", label, *told, scaled, *rest, sure])
    header = ["set", "arm", *(f"AUROC % {score}" for score in OOD_SCORES), "AUROC % msp at T"]
    return Sheet(
        "Out-of-distribution sets: means over seeds",
        [*header, "FPR95 %", "AUPR in %", "AUPR out %", "% classified with >= 99 %"],
        sorted(rows),
    )


def estimate_text(estimate: Estimate, digits: int) -> str:
    """Mean and half of the interval; one seed has none."""
    if estimate.mean is None:
        return "-"
    half = "" if estimate.interval is None else f" ± {(estimate.interval.high - estimate.interval.low) / 2:.{digits}f}"
    return f"{estimate.mean:.{digits}f}{half}"


def number(value: float | None, digits: int) -> str:
    """Fixed decimals, ``-`` for what is undefined."""
    return "-" if value is None else f"{value:.{digits}f}"


def p_value(p: float | None) -> str:
    """Three decimals; what is smaller is said to be."""
    return "<0.001" if p is not None and p < 0.001 else number(p, 3)


def _comparisons_sheet(analysis: Analysis, keys: Sequence[str], title: str) -> Sheet:
    rows = [
        [label, analysis.measures[key].label, *_comparison_cells(comparison, analysis.measures[key].digits)]
        for key in keys
        for label, comparison in analysis.comparisons[key].items()
    ]
    header = ["arm", "measure", "pairs", "difference", "95 % interval", "p (Holm)", "Wilcoxon p", "verdict"]
    return Sheet(title, header, rows)


def _comparison_cells(comparison: Comparison, digits: int) -> list[str]:
    interval = comparison.interval
    return [
        str(comparison.n),
        "-" if comparison.difference is None else f"{comparison.difference:+.{digits}f}",
        "-" if interval is None else f"{interval.low:+.{digits}f} to {interval.high:+.{digits}f}",
        p_value(comparison.p_holm),
        p_value(comparison.wilcoxon),
        comparison.verdict,
    ]


def _percent(values: Iterable[float]) -> str:
    shown = list(values)
    return f"{100 * sum(shown) / len(shown):.2f}" if shown else "-"


def _time_to_reach(there: Sequence[Reached], runs: int) -> str:
    """Median over runs, of which those that never got there are the slowest."""
    if not runs:
        return "-"
    if 2 * len(there) <= runs:
        return f"never ({len(there)} of {runs})" if there else "never"
    middle = sorted(there)[(runs - 1) // 2]
    share = "" if len(there) == runs else f" ({len(there)} of {runs})"
    return f"{middle.epochs:.1f} epochs, {middle.seconds:.0f} s{share}"


def _calibration(arm: Sequence[Result], at: str) -> str:
    """Calibration error in percent, which is biased upwards: for reading, not for testing."""
    scores = [result.scores["test"].get("scaled") if at else result.scores["test"] for result in arm]
    return estimate_text(mean_estimate([100 * of_run["ece"] for of_run in scores if of_run]), 2)


def _latex(text: str) -> str:
    return "".join(_LATEX.get(character, character) for character in text)
