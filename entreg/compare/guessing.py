"""What would be found if runs that did not finish had guessed: no arm is better because its bad seeds are missing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from entreg.compare.measures import Measure
from entreg.compare.pairing import pair_values
from entreg.compare.stats.verdict import Comparison, compare_values
from entreg.compare.study import Study

Contrast = tuple[str, str]
"""Labels of an arm and of the one that it is compared with."""


def with_guesses(
    study: Study,
    measure: Measure,
    values: Mapping[str, Sequence[float]],
    compared: Mapping[Contrast, Comparison],
) -> dict[Contrast, Comparison]:
    """Compare again, over seeds, where runs did not finish, with what guessing scores in their place.

    Args:
        study: the runs.
        measure: that they are compared on.
        values: by arm, those of its finished runs in the order of the seeds.
        compared: the comparisons of those.

    Returns:
        by pair of arms; pairs of which all runs finished are left out.
    """
    classes = len(study.results[0].summary.get("classes", ()))
    found: dict[Contrast, Comparison] = {}
    if not classes or (guessed := measure.of_guessing(classes)) is None:
        return found
    for contrast, comparison in compared.items():
        if not {*contrast} & study.failures.keys():
            continue
        ours, theirs = (
            {failure.seed: guessed for failure in study.failures.get(arm, ())}
            | {result.seed: value for result, value in zip(study.arms[arm], values[arm], strict=True)}
            for arm in contrast
        )
        (found[contrast],) = compare_values(
            {contrast[0]: pair_values(ours, theirs)},
            higher_is_better=comparison.higher_is_better,
            margin=comparison.margin,
            alpha=comparison.alpha,
            family=comparison.family,
        ).values()
    return found
