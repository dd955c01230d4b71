"""``compare_arms``: what ``entreg compare`` says of run folders, said of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
from numpy.typing import ArrayLike
from torch import Tensor

from entreg.compare.analysis import Analysis, analyse
from entreg.compare.arrays import Seeds, study_of
from entreg.compare.report.comparison_tables import secondary_sheet, verdict_sentences, verdicts_sheet
from entreg.compare.stats.comparison import Outcome
from entreg.errors import ConfigError
from entreg.runs.scoring import DEFAULT_BINS

_OWN = ("metric", "unit", "arm", "seeds", "mean", "low", "high", "outcome")
_COLUMNS = [*_OWN, "difference", "difference_low", "difference_high", "p", "detectable"]


@dataclass(frozen=True)
class ComparedArms:
    """What a comparison of arms says; printed, it is sentences and tables.

    Attributes:
        analysis: all numbers behind it.
    """

    analysis: Analysis

    @property
    def sentences(self) -> list[str]:
        """What verdicts are worth, then a sentence for each primary metric of each arm."""
        return verdict_sentences(self.analysis)

    @property
    def outcomes(self) -> dict[str, dict[str, Outcome]]:
        """``better``, ``worse``, ``equivalent``, ``undecided`` or ``untestable``, by primary metric and arm."""
        found = self.analysis.comparisons
        return {key: {arm: one.outcome for arm, one in found[key].items()} for key in self.analysis.primary}

    def table(self) -> pd.DataFrame:
        """Return a row for each metric and arm: the arm's own mean, and its difference from the baseline.

        ``low`` and ``high`` are the 95 % interval of the arm's mean, over seeds and images; ``difference_low`` and
        ``difference_high`` the adjusted interval that decides. Metrics that are not primary have no outcome.
        """
        analysis, rows = self.analysis, []
        for key, measure in analysis.measures.items():
            for arm, estimate in analysis.estimates[key].items():
                row = {"metric": key, "unit": measure.unit, "arm": arm, "seeds": estimate.n, "mean": estimate.mean}
                row |= _ends("", estimate.interval)
                row["outcome"] = self.outcomes.get(key, {}).get(arm)
                comparison = analysis.comparisons[key].get(arm)
                if comparison is not None:
                    row |= {"difference": comparison.difference, **_ends("difference_", comparison.interval)}
                    row |= {"p": comparison.p, "detectable": comparison.detectable}
                rows.append(row)
        return pd.DataFrame(rows, columns=_COLUMNS)

    def __str__(self) -> str:
        lines = list(self.sentences)
        if self.analysis.baseline is not None:
            for sheet in (verdicts_sheet(self.analysis), secondary_sheet(self.analysis)):
                lines += ["", sheet.title, sheet.frame.to_string(index=False)] if sheet.rows else []
        return "\n".join(lines)


def compare_arms(
    logits: Mapping[str, Seeds],
    targets: ArrayLike | Tensor,
    baseline: str | None = None,
    metrics: Sequence[str] = ("acc",),
    margins: Mapping[str, float] | None = None,
    *,
    validation: tuple[Mapping[str, Seeds], ArrayLike | Tensor] | None = None,
    ood: Mapping[str, Mapping[str, Seeds]] | None = None,
    bins: int = DEFAULT_BINS,
    alpha: float = 0.05,
) -> ComparedArms:
    """Compare arms, each the logits of some seeds on one test set, with a baseline.

    The numbers, verdicts and sentences are those of ``entreg compare`` on run folders that hold the same logits: an
    arm is paired with the baseline seed by seed, and the interval that decides is over seeds and samples, adjusted for
    all comparisons of the primary metrics (:func:`entreg.compare.stats.compare_values`).

    Args:
        logits: by name of the arm, an array ``(N, C)`` of each seed, of NumPy or PyTorch, floating point, the samples
            in one order everywhere. A list numbers the seeds from 0, so that runs at one place are a pair; a mapping
            ``{seed: array}`` names them. ``None`` stands for a run that did not finish: it is named in the verdict,
            and counted as guessing beside it.
        targets: ``(N,)`` class indices.
        baseline: arm that the others are compared with; default: ``cross_entropy``, else the one with the most seeds.
        metrics: primary ones, which have verdicts, chosen before the results are seen: ``acc``, ``nll``, ``brier``,
            ``ce2`` (the debiased squared calibration error), ``nll@T``, ``brier@T``, ``ce2@T``, ``auroc:<set>``.
        margins: by metric, the largest difference that does not matter, in the unit of the table; without one nothing
            is called equivalent. Default: 0.1 points of accuracy.
        validation: logits as above and targets ``(M,)`` on validation, on which a temperature is fitted for each run;
            adds what is measured at T. It says nothing where a run has all of validation right.
        ood: by name of a set without any of the classes, logits as above; adds its AUROC by the largest probability.
        bins: of the calibration errors.
        alpha: level of all verdicts together.

    Returns:
        what may be said of the arms; ``print`` it, or take its ``outcomes`` and its ``table()``.

    Raises:
        DataError: if an array is missing, or of another shape or type than expected, or not finite.
        ConfigError: if baseline, a metric or the metric of a margin is unknown, or ``bins`` is no number of bins.
        ValueError: if ``alpha`` or a margin is out of range.

    Example:
        >>> import numpy as np
        >>> rng = np.random.default_rng(0)
        >>> targets = rng.integers(3, size=500)
        >>> hard = rng.normal(size=(500, 3))  # for every network
        >>> def trained(skill):
        ...     return hard + rng.normal(size=(500, 3)) + skill * np.eye(3)[targets]
        >>> arms = {"cross_entropy": [trained(3) for _ in range(4)], "mine": [trained(2) for _ in range(4)]}
        >>> found = compare_arms(arms, targets)
        >>> found.outcomes["acc"]
        {'mine': 'worse'}
        >>> print(found.sentences[1])
        mine is worse than cross_entropy: accuracy 13.25 points lower (95 %: -14.55 to -11.95)
    """
    if isinstance(metrics, str):
        raise ConfigError(f"metrics {metrics!r}: expected a list of them, [{metrics!r}]")
    study = study_of(logits, targets, validation=validation, ood=ood, bins=bins)
    if baseline is not None and baseline not in study.arms:
        raise ConfigError(f"baseline {baseline!r}: expected one of the arms, {', '.join(study.arms)}")
    return ComparedArms(analyse(study, baseline, metrics, margins, alpha))


def _ends(prefix: str, interval: tuple[float, float] | None) -> dict[str, float | None]:
    low, high = (None, None) if interval is None else interval
    return {f"{prefix}low": low, f"{prefix}high": high}
