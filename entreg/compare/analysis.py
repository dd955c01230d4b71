"""The comparison of a study's arms: every arm's estimates, and what may be said of each against the baseline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from entreg.compare.measures import Measure, correct_of, measure_of, measures_of
from entreg.compare.result import Result
from entreg.compare.stats.hierarchical import hierarchical_estimate
from entreg.compare.stats.intervals import Estimate, Floats, mean_estimate
from entreg.compare.stats.jackknife import Contributions
from entreg.compare.stats.mcnemar import mcnemar
from entreg.compare.stats.verdict import Comparison, Pairs, Unpaired, compare_arms
from entreg.compare.study import Study
from entreg.errors import ConfigError

_Measured = tuple[Result, Mapping[str, Contributions]]


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
        with_failures: the comparisons of the primary measures in which runs of either arm that did not finish count as
            guessing, over seeds; arms without any are left out.
    """

    study: Study
    baseline: str | None
    standing: str
    primary: Sequence[str]
    measures: Mapping[str, Measure]
    estimates: Mapping[str, Mapping[str, Estimate]]
    values: Mapping[str, Mapping[str, Sequence[float]]]
    comparisons: Mapping[str, Mapping[str, Comparison]]
    with_failures: Mapping[str, Mapping[str, Comparison]]

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
) -> Analysis:
    """Compare the arms of a study with a baseline, paired by seed where they share half of their seeds or more.

    Args:
        study: the runs.
        baseline: an arm as :meth:`Study.label_of` finds it; default: ``cross_entropy``, where several arms have it
            none, and where none has the arm with the most seeds.
        metrics: keys of the measures that the verdict is about.
        margins: by measure, the largest difference that does not matter, in the measure's unit; default: 0.1 points of
            accuracy, and none for the others, of which equivalence is not tested then.
        alpha: level of the verdicts, which a look at a part of the study makes smaller than 0.05.
        standing: see :func:`entreg.compare.looks.standing_of`.

    Raises:
        ConfigError: if a metric is unknown or not every run has it, or a number is out of range.
        RunError: if there is no such baseline.
    """
    found = {label: [measures_of(result) for result in arm] for label, arm in study.arms.items()}
    common = _common([of_run for arm in found.values() for of_run in arm])
    for key in metrics:
        if key not in common:
            raise ConfigError(f"metric {key}: expected one that every run has: {', '.join(common)}")
    chosen = _default_baseline(study) if baseline is None else study.label_of(baseline)
    others = [label for label in study.arms if chosen not in (None, label)]
    if chosen is not None:  # the baseline first, everywhere
        study = replace(study, arms={chosen: study.arms[chosen], **study.arms})
    measures = {key: measure_of(key) for key in common}
    values = {key: {label: [of_run[key].value for of_run in runs] for label, runs in found.items()} for key in common}
    estimates = {
        key: {label: _estimate([of_run[key] for of_run in runs]) for label, runs in found.items()} for key in common
    }
    by_seed = {
        label: {result.seed: (result, of_run) for result, of_run in zip(arm, found[label], strict=True)}
        for label, arm in study.arms.items()
    }
    theirs = by_seed.get(chosen or "", {})
    tested = sum(min(len(by_seed[label]), len(theirs)) > 1 for label in others)
    together = {True: len(set(metrics)), False: len(common) - len(set(metrics))}
    comparisons = {
        key: compare_arms(
            {label: _pairs(key, by_seed[label], theirs) for label in others},
            higher_is_better=measure.higher_is_better,
            margin=(margins or {}).get(key, measure.margin),
            alpha=alpha,
            family=max(1, tested * together[key in metrics]),
        )
        for key, measure in measures.items()
    }
    failed = _with_failures(study, chosen, metrics, values, comparisons)
    return Analysis(
        study, chosen if others else None, standing, tuple(metrics), measures, estimates, values, comparisons, failed
    )


def _with_failures(
    study: Study,
    baseline: str | None,
    metrics: Sequence[str],
    values: Mapping[str, Mapping[str, Sequence[float]]],
    comparisons: Mapping[str, Mapping[str, Comparison]],
) -> dict[str, dict[str, Comparison]]:
    """Compare again where runs did not finish, with what guessing scores in their place."""
    classes = len(study.results[0].summary.get("classes", ()))
    found: dict[str, dict[str, Comparison]] = {}
    for key in metrics:
        if not classes or (guessed := measure_of(key).of_guessing(classes)) is None:
            continue
        for label, comparison in comparisons[key].items():
            if not {label, baseline} & study.failures.keys():
                continue
            ours, theirs = (
                {failure.seed: guessed for failure in study.failures.get(arm, ())}
                | {result.seed: value for result, value in zip(study.arms[arm], values[key][arm], strict=True)}
                for arm in (label, str(baseline))
            )
            seeds = sorted(ours.keys() & theirs.keys())
            again = compare_arms(
                {label: Pairs([ours[seed] for seed in seeds], [theirs[seed] for seed in seeds])},
                higher_is_better=comparison.higher_is_better,
                margin=comparison.margin,
                alpha=comparison.alpha,
                family=comparison.family,
            )
            found.setdefault(key, {}).update(again)
    return found


def _estimate(runs: Sequence[Contributions]) -> Estimate:
    """Estimate what new seeds would score on new images, on these images where nothing is known of them."""
    values, images = [run.value for run in runs], _images(runs)
    if images is None:
        return mean_estimate(values)
    return hierarchical_estimate(values, np.zeros(len(values)), images)


def _common(runs: Sequence[Mapping[str, Contributions]]) -> list[str]:
    """Keys that every run has, in the order of the first."""
    return [key for key in runs[0] if all(key in of_run for of_run in runs)]


def _default_baseline(study: Study) -> str | None:
    """Cross-entropy, where one arm has it; where none has, the arm with the most seeds; else somebody has to say."""
    plain = [label for label, arm in study.arms.items() if arm[0].loss == "cross_entropy"]
    if len(plain) > 1:
        return None
    return plain[0] if plain else max(study.arms, key=lambda label: len(study.arms[label]))


def _pairs(key: str, ours: Mapping[int, _Measured], theirs: Mapping[int, _Measured]) -> Pairs | Unpaired:
    """Pair an arm with the baseline by the seeds that both have, if those are half of either's or more.

    Else all seeds count, unpaired. The values have no say in it.

    Args:
        key: of the measure.
        ours: by seed, a run of the arm and its measures.
        theirs: the baseline's.
    """
    seeds = sorted(ours.keys() & theirs.keys())
    if 2 * len(seeds) < max(len(ours), len(theirs)):
        a, b = ([of_run[key] for _, of_run in arm.values()] for arm in (ours, theirs))
        images = _images(a), _images(b)
        known = images if images[0] is not None and images[1] is not None else (None, None)
        return Unpaired([run.value for run in a], [run.value for run in b], *known)
    a, b = ([arm[seed][1][key] for seed in seeds] for arm in (ours, theirs))
    images, checkpoints = (_images(a), _images(b)), None
    if key == "acc" and len(seeds) == 1 and images[0] is not None and images[1] is not None:
        run, other = ours[seeds[0]][0], theirs[seeds[0]][0]
        checkpoints = mcnemar(correct_of(run), correct_of(other))
    differences = None if images[0] is None or images[1] is None else images[0] - images[1]
    return Pairs([run.value for run in a], [run.value for run in b], differences, checkpoints)


def _images(runs: Sequence[Contributions]) -> Floats | None:
    """Contributions of the images to each run's value, ``(n, K)``; ``None`` if those of a run are not known."""
    rows = [run.images for run in runs if run.images is not None]
    return np.array(rows) if len(rows) == len(runs) else None
