"""How fast and how steadily each run of a study learnt."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from entreg.compare.curves import Curve, read_curves, without_pauses
from entreg.compare.dynamics import Reached, area_under_curve, gradient_norm_variance, loss_spikes, reached
from entreg.compare.result import Result
from entreg.compare.study import Study
from entreg.errors import RunError

_LADDER = (0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.99)


@dataclass(frozen=True)
class Convergence:
    """The training of one run.

    Attributes:
        seed: of the run.
        reached: by validation accuracy, when it was first reached; ``None`` if never.
        area: mean validation accuracy in the course of training.
        spikes: number of times the training loss jumped.
        gradient_variance: variance of the log gradient norm; ``None`` if it was not logged.
        curve: validation accuracy.
        curves: every series of the run, by name.
    """

    seed: int
    reached: Mapping[float, Reached | None]
    area: float
    spikes: int
    gradient_variance: float | None
    curve: Curve
    curves: Mapping[str, Curve]


def convergence_of(study: Study, accuracies: Sequence[float] = ()) -> dict[str, list[Convergence]]:
    """Return the convergence of every run by arm; runs without a readable log are left out.

    Args:
        study: the runs.
        accuracies: validation accuracies to reach, in (0, 1); default: the two highest of a fixed ladder that half of
            the runs reach.
    """
    logs = {label: {result.seed: _log(result) for result in arm} for label, arm in study.arms.items()}
    read = {label: {seed: log for seed, log in arm.items() if log is not None} for label, arm in logs.items()}
    targets = tuple(accuracies) or _targets([log["val/acc"] for arm in read.values() for log, _ in arm.values()])
    return {label: [_converged(seed, *log, targets) for seed, log in arm.items()] for label, arm in read.items()}


def _log(result: Result) -> tuple[dict[str, Curve], float] | None:
    try:
        curves = read_curves(result.run.metrics)
    except RunError:  # the run was moved without it: predictions are compared all the same
        return None
    if "val/acc" not in curves:
        return None
    return curves, max(result.summary.get("steps", 1) / max(result.summary.get("epochs", 1), 1), 1)


def _targets(curves: Sequence[Curve]) -> tuple[float, ...]:
    best = sorted(float(curve.values.max()) for curve in curves)
    half = best[len(best) // 2] if best else 0.0
    return tuple(target for target in _LADDER if target <= half)[-2:]


def _converged(seed: int, curves: dict[str, Curve], steps_per_epoch: float, targets: Sequence[float]) -> Convergence:
    steps, seconds, values = curves["val/acc"]
    seconds = without_pauses(seconds)
    losses, norms = curves.get("loss/train"), curves.get("grad/net")
    return Convergence(
        seed=seed,
        reached={target: reached(steps, seconds, values, target, steps_per_epoch) for target in targets},
        area=area_under_curve(steps, values),
        spikes=0 if losses is None else loss_spikes(losses.values),
        gradient_variance=None if norms is None else gradient_norm_variance(norms.values),
        curve=curves["val/acc"],
        curves=curves,
    )
