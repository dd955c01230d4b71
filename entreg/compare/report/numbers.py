"""Tables for programs: all numbers of a comparison, one row a run and one row a comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from entreg.compare.analysis import Analysis
from entreg.compare.convergence import Convergence
from entreg.compare.report.comparison_tables import WORDS
from entreg.compare.result import Result
from entreg.compare.stats.comparison import Comparison
from entreg.runs.scoring import flatten
from entreg.text import for_csv

_OF_TRAINING = ("epochs", "steps", "precision", "train_seconds", "images_per_second", "git_commit")


def runs_table(analysis: Analysis, converged: Mapping[str, Sequence[Convergence]]) -> pd.DataFrame:
    """Return a row for each run.

    Its columns are the arm by label and hash, the loss, the seed; the options in which arms differ, by their dotted
    keys; what was trained, with versions and processor; learnt coefficients at the end; how it converged; and every
    score, ``test/errors`` and ``test/n`` among them.
    """
    rows = []
    for label, arm in analysis.study.arms.items():
        trainings = {training.seed: training for training in converged.get(label, ())}
        options = {key: values[label] for key, values in analysis.study.differences.items()}
        rows += [_run(label, result, options, trainings.get(result.seed)) for result in arm]
    return _table(rows)


def comparisons_table(analysis: Analysis) -> pd.DataFrame:
    """Return a row for each comparison of two arms by a measure.

    ``low`` and ``high`` are the ends of the interval that decides, adjusted for ``family`` comparisons; ``p`` is, too.
    Only measures that are ``primary`` have a verdict.
    """
    rows = [
        _comparison(analysis, key, *contrast, found)
        for key in analysis.measures
        for contrast, found in analysis.contrasts(key).items()
    ]
    return _table(rows)


def as_csv(table: pd.DataFrame) -> str:
    """Return comma-separated values, numbers with six digits."""
    return table.to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _table(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Make a table in which every text can be written and none is a formula of a spreadsheet."""
    return pd.DataFrame(
        [{for_csv(key): for_csv(cell) if isinstance(cell, str) else cell for key, cell in row.items()} for row in rows]
    )


def _run(label: str, result: Result, options: Mapping[str, Any], training: Convergence | None) -> dict[str, Any]:
    summary = result.summary
    history = summary.get("history") or [{}]
    found = {"run": result.run.path.name, "arm": label, "hash": result.arm, "loss": result.loss, "seed": result.seed}
    found |= options
    found |= {key: summary.get(key) for key in _OF_TRAINING}
    found |= {"device": history[-1].get("device"), **_under("versions", summary.get("versions", {}))}
    found |= flatten(summary.get("coefficients", {}))
    if training is not None:
        for accuracy, reached in training.reached.items():
            found[f"epochs_to_{accuracy:g}"] = None if reached is None else reached.epochs
        found |= {"mean_val_acc": training.area, "loss_spikes": training.spikes}
        found["variance_log_grad"] = training.gradient_variance
    return found | flatten(result.scores)


def _comparison(analysis: Analysis, key: str, arm: str, baseline: str, found: Comparison) -> dict[str, Any]:
    low, high = found.interval or (None, None)
    seeds, of_baseline = found.unpaired or (found.n, found.n)
    is_primary = key in analysis.primary
    return {
        "arm": arm,
        "baseline": baseline,
        "measure": key,
        "primary": is_primary,
        "seeds": seeds,
        "seeds_of_baseline": of_baseline,
        "pairs": found.n if found.unpaired is None else found.shared,
        "difference": found.difference,
        "low": low,
        "high": high,
        "p": found.p,
        "family": found.family,
        "detectable": found.detectable,
        "verdict": WORDS[found.outcome] if is_primary else None,
    }


def _under(prefix: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}/{key}": value for key, value in values.items()}
