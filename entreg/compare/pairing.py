"""Which run of an arm is compared with which of the other: those of one seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from entreg.compare.measures import correct_of
from entreg.compare.result import Result
from entreg.compare.stats.intervals import Floats
from entreg.compare.stats.jackknife import Contributions
from entreg.compare.stats.mcnemar import mcnemar
from entreg.compare.stats.verdict import Pairs, Unpaired

Measured = tuple[Result, Mapping[str, Contributions]]
"""A run and its measures."""


def pair_runs(key: str, ours: Mapping[int, Measured], theirs: Mapping[int, Measured]) -> Pairs | Unpaired:
    """Pair the runs of two arms on one measure, see :func:`pair_values`.

    Args:
        key: of the measure.
        ours: by seed, a run of the arm and its measures.
        theirs: those of the arm that it is compared with.
    """
    paired = pair_values(*({seed: run[1][key].value for seed, run in arm.items()} for arm in (ours, theirs)))
    (our_seeds, their_seeds), shared = _in_order(ours, theirs)
    a, b = (
        images_of([arm[seed][1][key] for seed in seeds]) for arm, seeds in ((ours, our_seeds), (theirs, their_seeds))
    )
    if a is None or b is None:
        return paired
    if isinstance(paired, Unpaired):
        return replace(paired, contributions=a, baseline_contributions=b)
    checkpoints = None
    if key == "acc" and shared == 1:
        checkpoints = mcnemar(correct_of(ours[our_seeds[0]][0]), correct_of(theirs[our_seeds[0]][0]))
    return replace(paired, contributions=a[:shared] - b[:shared], checkpoints=checkpoints)


def pair_values(ours: Mapping[int, float], theirs: Mapping[int, float]) -> Pairs | Unpaired:
    """Pair the values of two arms by seed, if they have the same; else all seeds count, those that both have as pairs.

    An arm of one seed, which says nothing about others, is paired with the other's run of it.

    Args:
        ours: by seed, a value of the arm.
        theirs: those of the arm that it is compared with.
    """
    (our_seeds, their_seeds), shared = _in_order(ours, theirs)
    a, b = [ours[seed] for seed in our_seeds], [theirs[seed] for seed in their_seeds]
    if len(a) == len(b) == shared or (shared == 1 and min(len(a), len(b)) == 1):
        return Pairs(a[:shared], b[:shared])
    return Unpaired(a, b, shared=shared)


def images_of(runs: Sequence[Contributions]) -> Floats | None:
    """Contributions of the images to each run's value, ``(n, K)``; ``None`` if those of a run are not known."""
    rows = [run.images for run in runs if run.images is not None]
    return np.array(rows) if len(rows) == len(runs) else None


def _in_order(ours: Mapping[int, object], theirs: Mapping[int, object]) -> tuple[tuple[list[int], list[int]], int]:
    """Return the seeds of both, first those that both have, and how many these are."""
    both = sorted(ours.keys() & theirs.keys())
    return ([*both, *sorted(ours.keys() - both)], [*both, *sorted(theirs.keys() - both)]), len(both)
