"""What a sweep is: which options of ``entreg fit`` vary, how they are chosen, and what is to be best."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from jsonargparse.typing import Path_fr

from entreg.compare.plan import Plan
from entreg.errors import ConfigError

Value = bool | int | float | str | None

SEED = "seed_everything"
"""Option of ``entreg fit`` by which trials of one experiment differ."""

_SCORES = (
    "acc errors nll brier entropy confidence saturated ece ece_l2 mce ece_debiased ece_debiased_squared ece_adaptive "
    "ece_classwise smece brier_top reliability resolution uncertainty within_bin_variance within_bin_covariance aurc "
    "coverage_at_1"
)
METRICS = tuple(f"val/{name}" for name in _SCORES.split())
"""What a run is scored by on validation, :func:`entreg.runs.scoring.evaluate_predictions`."""

_LOGGED = ("val/acc", "val/errors", "val/nll", "val/brier", "val/entropy", "val/confidence", "val/ece")  # as it trains
_LARGEST = ("val/acc", "val/resolution", "val/coverage_at_1")
_NEITHER = (  # what a classifier is like, and not how good it is
    *("val/entropy", "val/confidence", "val/saturated"),
    *("val/uncertainty", "val/within_bin_variance", "val/within_bin_covariance"),
)


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included; whole ones if both are whole.

    Args:
        low: smallest.
        high: largest.
        log: whether they are drawn evenly in the logarithm.
    """

    low: int | float
    high: int | float
    log: bool = False

    def __post_init__(self) -> None:
        if not self.low < self.high or (self.log and self.low <= 0):
            raise ValueError(f"a range goes from low to a larger high, with log from low > 0; got {self}")


@dataclass(frozen=True)
class Sweep:
    """A study over options of ``entreg fit``.

    Args:
        name: name of the study.
        fit: config files of every trial, relative to the file of the sweep.
        parameters: values of each option that varies, by its dotted key: a list, or a :class:`Range`.
        options: further options of every trial, by dotted key.
        sampler: ``grid`` tries every combination; ``random`` draws; ``tpe`` draws where earlier trials were good.
        trials: number of trials; a grid has as many as it has combinations.
        metric: validation metric to be made best, as it is logged: ``val/acc``, ``val/nll``, ...
        direction: whether its largest or its smallest value is the best; default: as the metric has it.
        prune: stop trials that do badly at a validation: ``median`` against the others' median,
            ``hyperband`` by successive halving.
        seed: seed of the sampler; the draws of a trial are a function of it, of the trial's number and, for ``tpe``, of
            the trials before.
        baseline: arm with which the final comparison compares; for --confirm, a loss.
        plan: analysis plan of the comparison, written down beside the runs before the first trial.

    Raises:
        ConfigError: on an argument out of its range.
    """

    name: str
    parameters: Mapping[str, Sequence[Value] | Range]
    fit: Sequence[Path_fr] = ()
    options: Mapping[str, Value] = field(default_factory=dict)
    sampler: Literal["grid", "random", "tpe"] = "grid"
    trials: int | None = None
    metric: str = "val/acc"
    direction: Literal["maximize", "minimize"] | None = None
    prune: Literal["median", "hyperband"] | None = None
    seed: int = 0
    baseline: str | None = None
    plan: Plan | None = None

    def __post_init__(self) -> None:
        if not self.parameters:
            raise ConfigError("parameters: a sweep varies at least one option of entreg fit")
        for key, values in self.parameters.items():
            if isinstance(values, Range):
                if self.sampler == "grid":
                    raise ConfigError(f"parameters.{key}: a grid needs a list of values, got {values}")
            elif not values or len({str(value) for value in values}) < len(values):
                raise ConfigError(f"parameters.{key}: expected a list of different values, got {list(values)}")
        if self.sampler == "grid" and self.trials is not None:
            raise ConfigError(f"trials {self.trials}: a grid has as many trials as combinations, leave trials out")
        if self.sampler != "grid" and (self.trials is None or self.trials < 1):
            raise ConfigError(f"trials {self.trials}: say how many trials sampler {self.sampler} may draw, >= 1")
        if self.plan is not None and self.baseline is not None:
            raise ConfigError(f"baseline {self.baseline}: the plan says with what is compared, leave baseline out")
        if self.metric not in METRICS:
            nearest = [name for name in METRICS if name.rpartition("/")[2] == self.metric.rpartition("/")[2]]
            said = "test chooses nothing; " if self.metric.startswith("test/") else ""
            expected = nearest[0] if nearest else f"one of {', '.join(METRICS)}"
            raise ConfigError(f"metric {self.metric}: {said}expected a score on validation, {expected}")
        if self.prune is not None and self.metric not in _LOGGED:
            raise ConfigError(f"prune {self.prune}: {self.metric} is known at the end; expected {', '.join(_LOGGED)}")
        if self.prune is not None and self.has_arms:
            raise ConfigError(
                f"prune {self.prune}: an arm would be compared without its bad seeds; leave prune out, and give a "
                "sweep that was begun with it another --name"
            )
        if self.metric in _NEITHER and self.direction is None:
            raise ConfigError(f"metric {self.metric}: say which is the best, direction: maximize or minimize")

    @property
    def goal(self) -> Literal["maximize", "minimize"]:
        """What is done with the metric: the direction that was given, or its own."""
        return self.direction or ("maximize" if self.metric in _LARGEST else "minimize")

    @property
    def has_arms(self) -> bool:
        """Whether its trials are arms with seeds to be compared, and not a search for the best of them."""
        seeds = self.parameters.get(SEED, ())
        return self.plan is not None or (self.sampler == "grid" and not isinstance(seeds, Range) and len(seeds) > 1)

    @property
    def arms(self) -> int | None:
        """How many arms a grid has on its test set, if that is two or more, and if it has one test set and seeds."""
        from entreg.runs.experiment import is_free  # late: a sweep without a plan needs no PyTorch

        of_data = any(key == "data" or key.startswith("data.") for key in self.parameters if not _is_damage(key))
        if self.sampler != "grid" or SEED not in self.parameters or of_data:
            return None
        others = (values for key, values in self.parameters.items() if key != SEED and not is_free(key))
        arms = math.prod(len(values) for values in others if not isinstance(values, Range))
        return arms if arms > 1 else None

    def definition(self) -> dict[str, Any]:
        """What all workers of a study have to agree on, in plain values; the number of trials may grow.

        The config files count by their content.
        """
        content = asdict(replace(self, fit=(), direction=self.goal))
        del content["trials"], content["baseline"], content["plan"]
        digests = (hashlib.sha256(Path(path.absolute).read_bytes()).hexdigest()[:12] for path in self.fit)
        return {**content, "fit": list(digests)}


def _is_damage(key: str) -> bool:
    return key.startswith("data.damage.")
