"""The comparison of a study's arms: every arm's estimates, and what may be said of each against the baseline."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from entreg.compare.comparable import temperature_notes
from entreg.compare.guessing import Contrast, with_guesses
from entreg.compare.measures import Measure, measure_of, measures_of
from entreg.compare.pairing import Measured, images_of, pair_runs
from entreg.compare.stats.bounded import within_bounds
from entreg.compare.stats.hierarchical import hierarchical_estimate
from entreg.compare.stats.intervals import Estimate, mean_estimate
from entreg.compare.stats.jackknife import Contributions
from entreg.compare.stats.verdict import Comparison, compare_values
from entreg.compare.study import Study
from entreg.errors import ConfigError


@dataclass(frozen=True)
class Analysis:
    """What a study says.

    Attributes:
        study: the runs, those of the baseline first.
        baseline: label of the arm that the others are compared with; ``None`` with one arm, or where several arms could
            be meant.
        standing: what its verdicts are worth, a sentence.
        primary: keys of the measures that the verdict is about, chosen beforehand.
        measures: all measures that every run has, in the order of the tables.
        estimates: mean over seeds, by measure and arm, with a 95 % interval over seeds and images.
        values: the values behind them, by measure and arm, in the order of the seeds.
        comparisons: by measure and arm, without the baseline; those of the primary measures are corrected together, and
            so are those of all others.
        between: by measure, the comparisons of the other arms with each other, where all pairs are asked for.
        with_failures: the comparisons of the primary measures in which runs of either arm that did not finish count as
            guessing, over seeds; pairs of arms without any are left out.
    """

    study: Study
    baseline: str | None
    standing: str
    primary: Sequence[str]
    measures: Mapping[str, Measure]
    estimates: Mapping[str, Mapping[str, Estimate]]
    values: Mapping[str, Mapping[str, Sequence[float]]]
    comparisons: Mapping[str, Mapping[str, Comparison]]
    between: Mapping[str, Mapping[Contrast, Comparison]]
    with_failures: Mapping[str, Mapping[Contrast, Comparison]]

    def contrasts(self, key: str) -> dict[Contrast, Comparison]:
        """Return all comparisons of a measure, those with the baseline first."""
        with_baseline = {(label, str(self.baseline)): found for label, found in self.comparisons[key].items()}
        return {**with_baseline, **self.between[key]}

    @property
    def others(self) -> list[str]:
        """Labels of the arms that are compared with the baseline."""
        return [label for label in self.study.arms if label != self.baseline]


def analyse(
    study: Study,
    baseline: str | None = None,
    metrics: Sequence[str] = ("acc",),
    margins: Mapping[str, float] | None = None,
    alpha: float = 0.05,
    standing: str = "exploratory: no analysis plan was written down before the runs",
    all_pairs: bool = False,
) -> Analysis:
    """Compare the arms of a study with a baseline, paired by the seeds that both have.

    Args:
        study: the runs.
        baseline: an arm as :meth:`Study.label_of` finds it; default: ``cross_entropy``, where several arms have it
            none, and where none has the arm with the most seeds.
        metrics: keys of the measures that the verdict is about.
        margins: by measure, the largest difference that does not matter, in the measure's unit; default: 0.1 points of
            accuracy, and none for the others, of which equivalence is not tested then.
        alpha: level of the verdicts, which a look at a part of the study makes smaller than 0.05.
        standing: see :func:`entreg.compare.looks.standing_of`.
        all_pairs: whether the other arms are compared with each other, too; of several arms of cross-entropy
            the first is the baseline then.

    Raises:
        ConfigError: if a metric is unknown or not every run has it, or a number is out of range.
        RunError: if there is no such baseline.
    """
    found = {label: [measures_of(result) for result in arm] for label, arm in study.arms.items()}
    common = _common([of_run for arm in found.values() for of_run in arm])
    _check_metrics(metrics, common, study)
    _check_margins(margins or {}, metrics, common)
    chosen = _default_baseline(study, all_pairs) if baseline is None else study.label_of(baseline)
    contrasts = _contrasts(list(study.arms), chosen, all_pairs)
    if chosen is not None:  # the baseline first, everywhere
        study = replace(study, arms={chosen: study.arms[chosen], **study.arms})
    measures = {key: measure_of(key) for key in common}
    values = {key: {label: [of_run[key].value for of_run in runs] for label, runs in found.items()} for key in common}
    estimates = {
        key: {
            label: _estimate(measure, [of_run[key] for of_run in runs], study.samples) for label, runs in found.items()
        }
        for key, measure in measures.items()
    }
    by_seed = {
        label: {result.seed: (result, of_run) for result, of_run in zip(arm, found[label], strict=True)}
        for label, arm in study.arms.items()
    }
    family = sum(min(len(by_seed[label]), len(by_seed[other])) > 1 for label, other in contrasts)
    primary = set(metrics)
    compared = {
        key: _compare(
            measure,
            {(label, other): (by_seed[label], by_seed[other]) for label, other in contrasts},
            (margins or {}).get(key, measure.margin),
            alpha,
            family * (len(primary) if key in primary else len(common) - len(primary)),
        )
        for key, measure in measures.items()
    }
    return Analysis(
        study,
        chosen if contrasts else None,
        standing,
        tuple(metrics),
        measures,
        estimates,
        values,
        {
            key: {arm: outcome for (arm, other), outcome in of.items() if other == chosen}
            for key, of in compared.items()
        },
        {key: {pair: result for pair, result in of.items() if pair[1] != chosen} for key, of in compared.items()},
        {key: with_guesses(study, measures[key], values[key], compared[key]) for key in metrics},
    )


def _compare(
    measure: Measure,
    contrasts: Mapping[Contrast, tuple[Mapping[int, Measured], Mapping[int, Measured]]],
    margin: float | None,
    alpha: float,
    family: int,
) -> dict[Contrast, Comparison]:
    """Compare pairs of arms on a measure."""
    found = {}
    for contrast, arms in contrasts.items():
        (found[contrast],) = compare_values(
            {contrast[0]: pair_runs(measure.key, *arms)},
            higher_is_better=measure.higher_is_better,
            margin=margin,
            alpha=alpha,
            family=max(1, family),
        ).values()
    return found


def _estimate(measure: Measure, runs: Sequence[Contributions], samples: int) -> Estimate:
    """Estimate what new seeds would score on new images, on these images where nothing is known of them."""
    values, images = [run.value for run in runs], images_of(runs)
    if images is None:
        found: Estimate = mean_estimate(values)
    else:
        found = hierarchical_estimate(values, np.zeros(len(values)), images)
        of_two_sets = measure.key.startswith("auroc:")  # test, and another set behind it
        samples = min(samples, images.shape[1] - samples) if of_two_sets else images.shape[1]
    lower, upper = measure.bounds
    if not math.isinf(upper):
        return within_bounds(found, samples, upper)
    return found if found.interval is None else replace(found, interval=found.interval.cut(lower))


def _common(runs: Sequence[Mapping[str, Contributions]]) -> list[str]:
    """Keys that every run has, in the order of the first."""
    return [key for key in runs[0] if all(key in of_run for of_run in runs)]


def _check_metrics(metrics: Sequence[str], common: Sequence[str], study: Study) -> None:
    """Raise :class:`ConfigError` unless every run has each, and each is named once."""
    for key in metrics:
        if key not in common:
            why = "; ".join(temperature_notes(study.results)) if key.endswith(("@T", "-cal")) else ""
            raise ConfigError(f"metric {key}: expected one that every run has: {', '.join(common)}{why and f'; {why}'}")
    if len(set(metrics)) < len(metrics):
        raise ConfigError(f"metrics {', '.join(metrics)}: one is named twice, expected each once")


def _contrasts(arms: Sequence[str], baseline: str | None, all_pairs: bool) -> list[Contrast]:
    """Which arm is compared with which: each with the baseline, and with ``all_pairs`` all with each other."""
    if baseline is None:
        return []
    others = [label for label in arms if label != baseline]
    contrasts = [(label, baseline) for label in others]
    return contrasts + [(label, other) for other, label in combinations(others, 2) if all_pairs]


def _check_margins(margins: Mapping[str, float], metrics: Sequence[str], common: Sequence[str]) -> None:
    """Raise :class:`ConfigError` unless each is a number, of a metric that has a verdict."""
    for key, margin in margins.items():
        if key not in common:
            raise ConfigError(f"margin of {key}: expected a metric of {', '.join(common)}")
        if key not in metrics:
            raise ConfigError(f"margin of {key}: no verdict is about it, name it among the metrics too")
        if not isinstance(margin, int | float):
            raise ConfigError(f"margin of {key}: expected a number, got {margin!r}")


def _default_baseline(study: Study, all_pairs: bool) -> str | None:
    """Cross-entropy, where one arm has it; where none has, the arm with the most seeds; else somebody has to say."""
    plain = [label for label, arm in study.arms.items() if arm[0].loss == "cross_entropy"]
    if len(plain) > 1:
        return plain[0] if all_pairs else None
    return plain[0] if plain else max(study.arms, key=lambda label: len(study.arms[label]))
