"""The cells: which studies are drawn, what is recorded of each, and what must hold of all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from entreg.compare import Analysis
from entreg.compare.library import ComparedArms
from tests.benchmarks.simulations.bars import Bar
from tests.benchmarks.simulations.world import SETS, Arm, truth, with_accuracy

NAMES = ("cross_entropy", "min_ent", "mix_ent", "focal")  # the first is the baseline
MEASURES = ("acc", "nll", "brier", "ce2", "nll@T", "brier@T", "ce2@T", "auroc:noise")
OWN = ("acc", "nll", "ce2")  # whose per-arm intervals are looked at
EQUAL, SHARPER = Arm(), Arm(noise=2.6, sharpness=1.3)
MARGIN = 5.0  # points of accuracy
PILOT = 400  # studies whose stated limits give the median

Record = dict[str, float]


@dataclass(frozen=True)
class Cell:
    """Studies of one kind.

    Attributes:
        arms: by name, the baseline first.
        looks: seeds at each look; the last ones are those of the plan.
        primary: the plan's measures with their margins.
        record: what is kept of a study, by its analyses at each look.
        bars: what must hold of the means of what is kept.
        alpha: the plan's.
        sets: what networks predict.
        loses: arm that loses its seed of the least accuracy.
    """

    arms: Mapping[str, Arm]
    looks: Sequence[int]
    primary: Mapping[str, float | None]
    record: Callable[[Sequence[Analysis]], Record]
    bars: Sequence[Bar]
    alpha: float = 0.05
    sets: Sequence[str] = tuple(SETS)
    loses: str | None = None


def null(*looks: int) -> Cell:
    """Four arms without a difference: is any of three called better or worse in any of eight measures?"""
    plan = dict.fromkeys(MEASURES)
    return Cell(dict.fromkeys(NAMES, EQUAL), looks, plan, _claims, [Bar("any better or worse", "claim", high=0.05)])


def coverage(seeds: int, of_arm: Callable[[Arm], Mapping[str, float]] = truth) -> Cell:
    """Two arms that differ in everything: do the intervals hold the true differences, and each arm's true scores?"""
    arms = dict(zip(NAMES, (EQUAL, SHARPER), strict=False))
    bars = [Bar(f"interval covers difference of {key}", key, low=0.94) for key in MEASURES]
    bars += [Bar(f"an arm's interval covers its {key}", f"own {key}", low=0.93) for key in OWN]
    record = partial(_covers, {name: of_arm(arm) for name, arm in arms.items()})
    return Cell(arms, [seeds], dict.fromkeys(MEASURES), record, bars, 0.05 * len(MEASURES))  # 95 % each


def equivalence(seeds: int) -> Cell:
    """Two arms that differ by the margin exactly: are they called equivalent?"""
    arms = _apart(MARGIN)
    bars = [Bar("equivalent at the margin", "equivalent", high=0.05)]
    return Cell(arms, [seeds], {"acc": MARGIN}, partial(_is, "equivalent"), bars, sets=["test"])


def limits(seeds: int) -> Cell:
    """Two arms without a difference: which differences do such studies say that they can detect?"""
    arms = dict.fromkeys(NAMES[:2], EQUAL)
    return Cell(arms, [seeds], {"acc": None}, _limit, [], sets=["test"])


def power(seeds: int, limit: float) -> Cell:
    """Two arms that differ by the median stated limit: is it found in four of five studies?"""
    arms = _apart(limit)
    bars = [Bar(f"found: accuracy lower by {limit:.2f} points", "worse", 0.75, 0.85, exact=True)]
    return Cell(arms, [seeds], {"acc": None}, partial(_is, "worse"), bars, sets=["test"])


def lost(seeds: int) -> Cell:
    """Two arms without a difference, of which one loses its worst seed: is it called better without a word?"""
    arms = dict.fromkeys(NAMES[:2], EQUAL)
    bars = [Bar("better without the words about it", "without words", high=0.0, exact=True)]
    return Cell(arms, [seeds], {"acc": None}, _lost, bars, sets=["test"], loses=NAMES[1])


def _apart(points: float) -> dict[str, Arm]:
    """Two arms around the equal ones, so that they vary as these do: the second has an accuracy lower by the points."""
    return {NAMES[0]: with_accuracy(EQUAL, points / 2), NAMES[1]: with_accuracy(EQUAL, -points / 2)}


def _claims(analyses: Sequence[Analysis]) -> Record:
    outcomes = [one.outcome for analysis in analyses for key in MEASURES for one in analysis.comparisons[key].values()]
    return {"claim": float("better" in outcomes or "worse" in outcomes)}


def _covers(truths: Mapping[str, Mapping[str, float]], analyses: Sequence[Analysis]) -> Record:
    (analysis,), (baseline, arm) = analyses, truths
    found = {}
    for key in MEASURES:
        ends = analysis.comparisons[key][arm].interval
        found[key] = float(_holds(ends, truths[arm][key] - truths[baseline][key]))
    for key in OWN:
        own = [_holds(analysis.estimates[key][name].interval, truths[name][key]) for name in truths]
        found[f"own {key}"] = float(np.mean(own))
    return found


def _holds(ends: tuple[float, float] | None, value: float) -> bool:
    return ends is not None and ends[0] <= value <= ends[1]


def _is(outcome: str, analyses: Sequence[Analysis]) -> Record:
    return {outcome: float(analyses[-1].comparisons["acc"][NAMES[1]].outcome == outcome)}


def _limit(analyses: Sequence[Analysis]) -> Record:
    return {"limit": analyses[-1].comparisons["acc"][NAMES[1]].detectable or np.nan}


def _lost(analyses: Sequence[Analysis]) -> Record:
    found = ComparedArms(analyses[-1])
    better = found.outcomes["acc"][NAMES[1]] == "better"
    said = "of min_ent 6 of 7 seeds finished" in found.sentences[1]
    return {"better": float(better), "without words": float(better and not said)}


CELLS: dict[str, Callable[[], Cell]] = {  # those of power by their pilots
    **{f"null-{n}": partial(null, n) for n in (2, 3, 5, 10)},
    "looks-3-6-10": partial(null, 3, 6, 10),
    **{f"coverage-{n}": partial(coverage, n) for n in (2, 3, 5, 10)},
    **{f"equivalence-{n}": partial(equivalence, n) for n in (3, 5, 10)},
    **{f"power-{n}": partial(limits, n) for n in (3, 5, 10)},
    "lost-7": partial(lost, 7),
}
