"""The arms of a comparison over all its test sets together."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from entreg.compare.analysis import Analysis
from entreg.compare.labels import differences_of, labels_of
from entreg.compare.measures import Measure
from entreg.compare.result import Result
from entreg.compare.stats.aggregate import Aggregate, aggregate
from entreg.errors import RunError
from entreg.runs.experiment import TRAINING_DATA

# What an experiment keeps on other data; the rest of section data says which data they are.
_KEPT = tuple(f"data.init_args.{key}" for key in ("augment", "batch_size", "damage", "mix"))


@dataclass(frozen=True)
class Overall:
    """One measure of the arms on all test sets.

    Attributes:
        measure: what it is about.
        unit: what the scores are in, in words.
        sets: names of the test sets.
        baseline: label of the arm that the others are compared with.
        scores: by label of the arm, the baseline first: for each test set the scores of its seeds.
        arms: what follows from them, by label.
    """

    measure: Measure
    unit: str
    sets: Sequence[str]
    baseline: str
    scores: Mapping[str, Sequence[Sequence[float]]]
    arms: Mapping[str, Aggregate]

    @property
    def seeds(self) -> tuple[int, int]:
        """Fewest and most seeds of an arm on a test set."""
        numbers = [len(column) for columns in self.scores.values() for column in columns]
        return min(numbers), max(numbers)


def overall(analyses: Mapping[str, Analysis]) -> list[Overall]:
    """Put comparisons on several test sets together, one for each measure that is primary in all of them.

    An arm is an experiment but for its data: loss, network, recipe, and how data are damaged and batched. Those arms
    count that have runs on every test set. Scores are taken as they are, but for those that depend on the number of
    classes: NLL and Brier are in percent of what guessing scores on the data set, 0 being perfect.

    Args:
        analyses: by name of the test set, at least one.

    Raises:
        RunError: if the baseline and another arm do not both have runs on every test set, or two arms on one test set
            are the same experiment on other training data.
    """
    by_set = {name: _by_experiment(analysis) for name, analysis in analyses.items()}
    first, *others = by_set.values()
    common = {key: result for key, (_, result) in first.items() if all(key in arms for arms in others)}
    baselines = [
        next((key for key, (label, _) in by_set[name].items() if label == analysis.baseline), "")
        for name, analysis in analyses.items()
    ]
    if len(set(baselines)) > 1 or baselines[0] not in common or len(common) == 1:
        raise RunError(
            f"not compared over all of {', '.join(analyses)}: needs the baseline and another arm on each of them, "
            "alike in everything but the data"
        )
    ordered = dict.fromkeys([baselines[0], *common])
    alone = {key: [common[key]] for key in ordered}
    labels = labels_of(alone, differences_of(alone))
    names = {labels[key]: [by_set[name][key][0] for name in analyses] for key in ordered}
    primary = next(iter(analyses.values())).primary
    shared = [key for key in primary if all(key in analysis.primary for analysis in analyses.values())]
    return [_overall(key, analyses, names) for key in shared]


def _overall(key: str, analyses: Mapping[str, Analysis], names: Mapping[str, Sequence[str]]) -> Overall:
    measure = next(iter(analyses.values())).measures[key]
    unit, factors = _units(measure, list(analyses.values()))
    scores = {
        label: [
            [factor * value for value in analysis.values[key][name]]
            for analysis, name, factor in zip(analyses.values(), in_sets, factors, strict=True)
        ]
        for label, in_sets in names.items()
    }
    baseline = next(iter(scores))
    arms = aggregate(scores, baseline, higher_is_better=measure.higher_is_better)
    return Overall(measure, unit, list(analyses), baseline, scores, arms)


def _units(measure: Measure, analyses: Sequence[Analysis]) -> tuple[str, list[float]]:
    """Name the unit in which data sets are comparable, and give the factors that lead to it."""
    classes = [len(analysis.study.results[0].summary.get("classes", ())) for analysis in analyses]
    guessed = [measure.of_guessing(number) for number in classes if number > 1]
    factors = [100 / value for value in guessed if value is not None]
    if measure.unit == "points" or len(factors) < len(analyses):
        return measure.label, [1.0] * len(analyses)
    return f"{measure.name}, % of guessing", factors


def _by_experiment(analysis: Analysis) -> dict[str, tuple[str, Result]]:
    """Label and a run of each arm by what makes it an experiment on any data."""
    found: dict[str, tuple[str, Result]] = {}
    for label, arm in analysis.study.arms.items():
        config = {key: value for key, value in arm[0].config.items() if _is_kept(key)}
        key = json.dumps(config, sort_keys=True, default=str)
        if key in found:
            raise RunError(f"not compared over all data sets: {found[key][0]} and {label} differ in nothing but data")
        found[key] = label, replace(arm[0], config=config)
    return found


def _is_kept(key: str) -> bool:
    return key != TRAINING_DATA and (not key.startswith("data.") or key.startswith(_KEPT))
