"""Tables of the arms: their scores, how they learnt, what they differ in."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.dynamics import Reached
from entreg.compare.failures import counted
from entreg.compare.measures import REFINED
from entreg.compare.report.cells import estimate_text, mean, mean_percent, sampled
from entreg.compare.report.sheet import Sheet
from entreg.compare.result import Result
from entreg.compare.stats.intervals import Estimate
from entreg.metrics import OOD_SCORES

_NO_T = "T is undetermined without predictions on validation, or where all of them are right"


def arms_sheet(analysis: Analysis) -> Sheet:
    """Every arm: seeds, error counts, mean and interval of every measure."""
    calibration = [key for key in analysis.measures if key.startswith("ce2")]
    parts = [f"{key}-cal" for key in REFINED]  # in a table of their own
    keys = [key for key in analysis.measures if key not in (*calibration, *parts)]
    rows = []
    for label, arm in analysis.study.arms.items():
        errors = [result.scores["test"]["errors"] for result in arm]
        rows.append(
            [
                label,
                _seeds(analysis, label),
                ", ".join(map(str, errors)) if len(errors) <= 3 else f"{min(errors)} to {max(errors)}",
                *(_estimate(analysis, key, label) for key in keys),
                *(_calibration_error(analysis.estimates[key][label]) for key in calibration),
                mean_percent(result.scores["test"]["ece"] for result in arm),
                mean_percent(r.scores["test"]["scaled"]["ece"] for r in arm if "scaled" in r.scores["test"]),
                mean((result.scores["temperature"] for result in arm if "temperature" in result.scores), 2),
            ]
        )
    labels = [analysis.measures[key].label for key in keys]
    labels += [f"calibration error %{' at T' if '@' in key else ''}" for key in calibration]
    header = ["arm", "seeds", f"errors of {analysis.study.samples}", *labels, "ECE %", "ECE % at T", "T"]
    about = sampled(analysis.study)
    return Sheet(
        f"Mean over seeds, 95 % interval over {about}; ECE and SmoothECE are biased upwards", header, rows, _NO_T
    )


def differences_sheet(analysis: Analysis) -> Sheet:
    """The config keys in which the arms differ."""
    rows = [
        [key, *("-" if (value := values.get(label)) is None else str(value) for label in analysis.study.arms)]
        for key, values in analysis.study.differences.items()
    ]
    return Sheet(
        "What differs between the arms",
        ["key", *analysis.study.arms],
        rows,
        "the key is null in the arm, or it has none",
    )


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
        rows.append(
            [
                label,
                *times,
                f"{sum(run.area for run in arm) / len(arm):.2%}" if arm else "-",
                mean((run.spikes for run in arm), 1),
                mean((run.gradient_variance for run in arm if run.gradient_variance is not None), 3),
            ]
        )
    return Sheet(
        "Convergence; seconds are those of the machine that trained, and compare only with runs of the same",
        [
            "arm",
            *(f"to {100 * target:g}% validation accuracy" for target in targets),
            "mean validation accuracy",
            "loss spikes a run",
            "variance of log gradient norm",
        ],
        rows,
        "no run of the arm has its metrics.csv, or these were not logged",
    )


def ood_sheet(analysis: Analysis) -> Sheet:
    """How well each arm tells test samples from each other set: means over seeds, before and after T."""
    rows = []
    for label, arm in analysis.study.arms.items():
        for name in sorted({name for result in arm for name in result.scores.get("ood", {})}):
            rows.append(_ood_row(label, name, arm))
    header = ["set", "arm", *(f"AUROC % {score}" for score in OOD_SCORES), "AUROC % msp at T"]
    return Sheet(
        "Out-of-distribution sets: means over seeds",
        [*header, "FPR95 %", "AUPR in %", "AUPR out %", "% classified with >= 99 %"],
        sorted(rows, key=lambda row: row[0]),
        _NO_T,
    )


def _ood_row(label: str, name: str, arm: Sequence[Result]) -> list[str]:
    scores = [result.scores["ood"][name] for result in arm if name in result.scores.get("ood", {})]
    return [
        f"{name} ({'near' if scores[0].get('near') else 'far'})",
        label,
        *(mean_percent(of_run[detector]["auroc"] for of_run in scores) for detector in OOD_SCORES),
        mean_percent(of_run["scaled"]["msp"]["auroc"] for of_run in scores if "scaled" in of_run),
        *(mean_percent(of_run["msp"][key] for of_run in scores) for key in ("fpr95", "aupr_in", "aupr_out")),
        mean_percent(of_run["overconfident"] for of_run in scores),
    ]


def _time_to_reach(there: Sequence[Reached], runs: int) -> str:
    """Median over runs, of which those that never got there are the slowest."""
    if not runs:
        return "-"
    if 2 * len(there) <= runs:
        return f"never ({len(there)} of {runs})" if there else "never"
    never = [math.inf] * (runs - len(there))
    epochs, seconds = (median([*of_all, *never]) for of_all in zip(*there, strict=True))
    share = "" if len(there) == runs else f" ({len(there)} of {runs})"
    return f"{epochs:.1f} epochs, {seconds:.0f} s{share}"


def _seeds(analysis: Analysis, label: str) -> str:
    """Number of seeds, of how many, if some did not finish, and how many collapsed."""
    finished, failures = len(analysis.study.arms[label]), analysis.study.failures.get(label, ())
    collapsed = len(analysis.study.collapsed.get(label, ()))
    said = [counted(failures)] * bool(failures) + [f"{collapsed} collapsed"] * bool(collapsed)
    of = f" of {finished + len(failures)}" if failures else ""
    return f"{finished}{of}" + (f" ({', '.join(said)})" if said else "")


def _estimate(analysis: Analysis, key: str, label: str) -> str:
    return estimate_text(analysis.estimates[key][label], analysis.measures[key].digits)


def _calibration_error(squared: Estimate) -> str:
    """Root of the debiased squared calibration error, in percent, with its interval; 0 where that is negative."""
    root = [math.sqrt(max(0.0, value)) for value in (squared.mean or 0.0, *(squared.interval or ()))]
    return f"{root[0]:.2f} ({root[1]:.2f} to {root[2]:.2f})" if squared.interval else f"{root[0]:.2f}"
