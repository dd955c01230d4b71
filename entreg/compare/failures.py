"""Runs of an arm that did not finish: an arm is not better because its bad seeds are missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entreg.compare.result import Result
from entreg.errors import RunError
from entreg.runs import Run, read_config, read_summary
from entreg.runs.experiment import OF_TRAINING, experiment
from entreg.runs.lease import Watch


@dataclass(frozen=True)
class Failure:
    """A run that did not finish.

    Attributes:
        run: its folder.
        seed: its seed.
        what: ``diverged``, where a loss that is not finite has stopped it; ``still training``; else ``unfinished``.
        config: what makes it an experiment, as far as its config and its first start say.
    """

    run: Run
    seed: int
    what: str
    config: Mapping[str, Any]

    def is_of(self, result: Result) -> bool:
        """Whether it is a run of the same experiment as one that has finished."""
        unknown = set(OF_TRAINING) - self.config.keys()
        return self.config == {key: value for key, value in result.config.items() if key not in unknown}


def failure_of(folder: Path, diverged: bool = False) -> Failure | None:
    """Read a run that did not finish; ``None`` if it has, or if its folder does not say what it is.

    Args:
        folder: of the run.
        diverged: whether its logits are not finite, so that it counts as diverged even if it has finished.
    """
    run = Run(folder)
    try:
        config, summary = read_config(run), read_summary(run)
    except RunError:
        return None  # told by who reads it as a result
    seed = config.get("seed_everything")
    if not isinstance(seed, int) or (summary.get("finished", "data" in summary) and not diverged):
        return None
    begun_with = {"data": summary.get("data")}  # older runs say nothing of it
    what = "diverged" if diverged or run.checkpoint("post-mortem").is_file() else "unfinished"
    return Failure(run, seed, what if Watch().is_stale(run.lease) else "still training", experiment(config, begun_with))


def by_arm(failures: Sequence[Failure], arms: Mapping[str, Sequence[Result]]) -> dict[str, list[Failure]]:
    """Sort runs that did not finish to those of their arm that did; of a seed that has a run that did, none counts.

    Args:
        failures: of any arms.
        arms: finished runs by label.
    """
    found: dict[str, list[Failure]] = {}
    for label, arm in arms.items():
        seeds = {result.seed for result in arm}
        of_arm = {failure.seed: failure for failure in failures if failure.is_of(arm[0]) and failure.seed not in seeds}
        if of_arm:
            found[label] = [of_arm[seed] for seed in sorted(of_arm)]
    return found


def counted(failures: Sequence[Failure]) -> str:
    """Say how many runs there are of each kind, ``2 diverged, 1 unfinished``."""
    return ", ".join(f"{number} {what}" for what, number in Counter(failure.what for failure in failures).items())
