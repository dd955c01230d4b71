"""Looks at a study: adding seeds or arms until something is found finds too much, unless each look is counted.

They are noted in ``.looks.json`` beside the plan, else in the folder that the runs lie in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path

from entreg.compare.analysis import Analysis, analyse
from entreg.compare.plan import NAME as PLAN
from entreg.compare.plan import Plan, Written
from entreg.compare.stats.spending import obrien_fleming
from entreg.compare.study import Study
from entreg.errors import RunError
from entreg.files import write_json
from entreg.runs.reading import read_json
from entreg.text import enumerated

NAME = ".looks.json"
_NOTHING = 1e-9  # of a level: what is left by rounding


@dataclass(frozen=True)
class Look:
    """One look at the arms of a study.

    Attributes:
        arms: their hashes, sorted.
        tested: digest of the test set.
        primary: measures that verdicts were about.
        seeds: seeds of each arm, sorted, in the order of the hashes.
        alpha: level at which the verdicts were made.
        time: when, UTC, ISO 8601.
        planned: whether they were made by a plan.
    """

    arms: Sequence[str]
    tested: str
    primary: Sequence[str]
    seeds: Sequence[Sequence[int]]
    alpha: float
    time: str
    planned: bool = True

    def overlaps(self, other: Look) -> bool:
        """Whether both are about the same measures on the same test set, and have an arm in common."""
        asked = (self.tested, self.primary) == (other.tested, other.primary)
        return asked and not set(self.arms).isdisjoint(other.arms)

    def repeats(self, other: Look) -> bool:
        """Whether both are of the same runs."""
        return self.overlaps(other) and (self.arms, self.seeds) == (other.arms, other.seeds)


@dataclass(frozen=True)
class Standing:
    """What verdicts are worth.

    Attributes:
        alpha: level at which they are made.
        said: a sentence about it.
        look: this look, as it is to be noted.
    """

    alpha: float
    said: str
    look: Look


def standing_of(study: Study, metrics: Sequence[str], written: Written | None, earlier: Sequence[Look]) -> Standing:
    """Say what verdicts on a study are worth, by its plan and the looks before this one.

    Args:
        study: the runs.
        metrics: measures that verdicts are about.
        written: the plan, if there is one.
        earlier: looks that have been noted.
    """
    plan = Plan() if written is None else written.plan
    seeds_of = {arm[0].arm: sorted(result.seed for result in arm) for arm in study.arms.values()}
    arms = sorted(seeds_of)
    tested = str(study.results[0].summary.get("data", {}).get("test", ""))
    seeds = [seeds_of[arm] for arm in arms]
    now = datetime.now(timezone.utc).isoformat(timespec="seconds")
    look = Look(arms, tested, list(metrics), seeds, plan.alpha, now, planned=False)
    repeated = next((k for k, other in enumerate(earlier) if other.repeats(look) and other.planned), None)
    before = [other for other in earlier[:repeated] if other.overlaps(look) and not other.repeats(look)]
    begun = _begun(study)
    if written is None:
        why = _without_a_plan(study)
    elif begun is not None and written.time > begun:
        why = f"{written.path} is of {written.time:%Y-%m-%d %H:%M} UTC, and the first run began before"
    elif plan.seeds is None and not before:
        return Standing(plan.alpha, f"as planned in {written.path}", replace(look, planned=True))
    elif plan.seeds is None:
        why = f"{written.path} does not say how many seeds there would be"
    else:
        seen = {arm: own for other in (*before, look) for arm, own in zip(other.arms, other.seeds, strict=True)}
        planned = plan.seeds * (plan.arms or len(seen))
        done = min(planned, sum(min(len(own), plan.seeds) for own in seen.values()))
        share = obrien_fleming(plan.alpha, done / planned)
        left = share - sum(each.alpha for each in before)
        if repeated is not None:
            left = min(share, earlier[repeated].alpha)
        if left > _NOTHING:
            more = _runs(list(seen.values())) - done
            runs = f"{done} of {planned} runs{f' and {more} that were not planned' if more else ''}"
            said = f"as planned in {written.path}, with {runs}: verdicts at level {left:.2g}"
            return Standing(left, said, replace(look, alpha=left, planned=True))
        more_arms = "" if plan.arms else ", which does not say how many arms there would be"
        why = f"earlier looks have used up the level of {written.path}{more_arms}"
    return Standing(plan.alpha, f"exploratory: {why}{_looked_at(before)}", look)


def look_at(
    study: Study,
    written: Written | None = None,
    baseline: str | None = None,
    metrics: Sequence[str] = ("acc",),
    margins: Mapping[str, float] | None = None,
    all_pairs: bool = False,
) -> Analysis:
    """Analyse a study by its plan, or as is said here, and note the look.

    Args:
        study: the runs.
        written: the plan, which decides where there is one.
        baseline: see :func:`entreg.compare.analyse`, as the rest.
        metrics: measures that verdicts are about.
        margins: by measure.
        all_pairs: whether the other arms are compared with each other, too.

    Raises:
        ConfigError: if a metric is unknown or not every run has it.
        RunError: if there is no such baseline, or earlier looks cannot be read.
    """
    folder = Path(os.path.commonpath([result.run.path.resolve().parent for result in study.results]))
    path = (folder if written is None else written.path.parent) / NAME
    if written is not None:
        baseline, metrics, margins = written.plan.baseline, list(written.plan.primary), written.plan.margins
    standing = standing_of(study, metrics, written, read_looks(path))
    analysis = analyse(study, baseline, metrics, margins, standing.alpha, standing.said, all_pairs)
    if analysis.baseline is None:
        return analysis
    try:
        note(path, standing.look)
    except RunError as error:
        said = f"this look is not counted: {error}"
        return replace(analysis, study=replace(study, notes=(*study.notes, said)))
    return analysis


def read_looks(path: Path) -> list[Look]:
    """Read the looks that have been noted.

    Raises:
        RunError: if the file is damaged.
    """
    if not path.is_file():
        return []
    try:
        looks = [Look(**entry) for entry in read_json(path)["looks"]]
        return [replace(look, seeds=[_seeds(own) for own in look.seeds]) for look in looks]
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(f"{path}: holds no looks ({error}); restore it, or delete it to count from now on") from error


def note(path: Path, look: Look) -> None:
    """Add a look, unless the same has been noted.

    Raises:
        RunError: if the file cannot be written.
    """
    looks = read_looks(path)
    if not any(other.repeats(look) and other.planned >= look.planned for other in looks):
        others = [other for other in looks if not other.repeats(look)]
        write_json(path, {"looks": [asdict(one) for one in (*others, look)]})


def _seeds(noted: Sequence[int] | int) -> list[int]:
    """Seeds of an arm; of version 0.1 their number, which are taken for the first ones."""
    return list(range(noted)) if isinstance(noted, int) else [int(seed) for seed in noted]


def _without_a_plan(study: Study) -> str:
    beside = {result.run.path.parent / PLAN for result in study.results}
    unused = min((path for path in beside if path.is_file()), default=None)
    return f"{unused} was not used" if unused else "no analysis plan was written down before the runs"


def _looked_at(before: Sequence[Look]) -> str:
    if not before:
        return ""
    runs = sorted(_runs(look.seeds) for look in before)
    times = "once" if len(runs) == 1 else f"{len(runs)} times"
    return (
        f"; these arms, or some of them, have been looked at {times} before, with {enumerated(runs)} runs, and who "
        "adds or changes seeds or arms until something is found finds too much"
    )


def _runs(seeds: Sequence[Sequence[int]]) -> int:
    return sum(map(len, seeds))


def _begun(study: Study) -> datetime | None:
    """When the first of the runs began, where they say so."""
    starts = [start for run in study.results for start in run.summary.get("history", [])]
    times = [time for start in starts if (time := _time(start.get("time"))) is not None]
    return min(times, default=None)


def _time(said: object) -> datetime | None:
    try:
        time = datetime.fromisoformat(str(said))
    except ValueError:
        return None
    return time if time.tzinfo else time.replace(tzinfo=timezone.utc)
