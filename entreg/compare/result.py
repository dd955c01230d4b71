"""One finished run, read from its folder and scored."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from entreg.errors import Diverged, RunError
from entreg.losses import name_of
from entreg.runs import Run, check_unchanged, open_run, read_config, read_predictions, read_summary
from entreg.runs.experiment import arm_of, experiment
from entreg.runs.scoring import DEFAULT_BINS, SCORES, Scores, evaluate_predictions
from entreg.runs.set_name import TEST, SetKind, SetName

_MOST_BINS = 10_000


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        run: its folder.
        arm: :func:`entreg.runs.experiment.arm_of` its config and summary, the same for all runs of one arm.
        summary: its ``summary.json``.
        config: what makes it an experiment, :func:`entreg.runs.experiment.experiment`.
        data: section ``data`` of its config.
        bins: bins of its calibration errors.
        scores: :func:`entreg.runs.scoring.evaluate_predictions` of its folder.
        predictions: logits and targets that are in memory; the others are in its folder.
    """

    run: Run
    arm: str
    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    data: Mapping[str, Any]
    bins: int
    scores: Scores
    predictions: Mapping[SetName, tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    @property
    def has_predictions(self) -> bool:
        """Whether its predictions are at hand, not only the scores that its summary states."""
        return self.holds(TEST)

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.summary["seed"])

    @property
    def loss(self) -> str:
        """Registry name of the loss, or its class."""
        return name_of(str(self.config["model.loss.class_path"]))

    def sets(self, kind: SetKind) -> list[SetName]:
        """Return the out-of-distribution or the shifted sets that are scored and have predictions of their own."""
        names = [SetName(kind, name) for name in self.scores.get(kind.value, {})]
        return [name for name in names if self.holds(name)]

    def holds(self, name: SetName) -> bool:
        """Whether its predictions on a set are at hand."""
        return name in self.predictions or self.run.predictions(name).is_file()


def read_result(folder: str | Path) -> Result:
    """Read one run folder. Of a finished run without predictions the scores are those of its summary.

    Raises:
        RunError: if it is none, or the run was not evaluated on test.
    """
    run = open_run(folder)
    summary, config = read_summary(run), read_config(run)
    is_scored = summary.get("finished") is True and {"acc", "nll", "n"} <= summary.get("test", {}).keys()
    if not run.predictions(TEST).is_file() and not is_scored:
        raise RunError(f"{run.path}: holds no predictions/test.npz; finish it with entreg fit --run {run.path}")
    check_unchanged(run, summary, (run.config, run.metrics, *run.all_predictions()))
    if "model.loss.class_path" not in experiment(config):
        raise RunError(f"{run.path}: config.yaml names no loss (model.loss.class_path), so it is not whole")
    for key in ("seed", "loss"):
        if key not in summary:
            raise RunError(
                f"{run.path}: summary.json has no {key!r}, so training did not end; "
                f"finish it with entreg fit --run {run.path}"
            )
    if summary.get("finished") is False:
        raise RunError(f"{run.path}: its training has not ended; finish it: entreg fit --run {run.path}")
    arm, counted, bins = arm_of(config, summary), experiment(config, summary), _bins(run, config)
    return Result(run, arm, summary, counted, config["data"], bins, score(run, summary, bins))


def score(run: Run, summary: Mapping[str, Any], bins: int) -> Scores:
    """Score a run's predictions; without any the scores are those of its summary.

    Raises:
        RunError: if that is not possible, or the NLL on test is not finite.
    """
    try:
        if not run.predictions(TEST).is_file():
            return {key: summary[key] for key in SCORES if key in summary}
        scores = evaluate_predictions(run, summary.get("ood_sets"), bins)
    except ValueError as error:
        raise RunError(f"{run.path}: predictions cannot be scored ({error})") from error
    if not math.isfinite(scores["test"]["nll"]):
        raise Diverged(f"{run.path}: NLL on test is {scores['test']['nll']}, so logits of some samples are infinite")
    return scores


def read_logits(result: Result, name: str | SetName) -> tuple[Tensor, Tensor]:
    """Return a run's logits ``(N, C)`` and targets ``(N,)`` on one of its sets, those of a file ordered by id."""
    if isinstance(name, SetName) and name in result.predictions:
        return result.predictions[name]
    arrays = read_predictions(result.run.predictions(name))
    return torch.from_numpy(arrays["logits"]), torch.from_numpy(arrays["targets"])


def _bins(run: Run, config: Mapping[str, Any]) -> int:
    """Bins of the calibration errors that the run was trained with."""
    bins = config.get("metrics", {}).get("bins", DEFAULT_BINS)
    if not isinstance(bins, int) or not 1 <= bins <= _MOST_BINS:
        raise RunError(f"{run.path}: metrics.bins in config.yaml is {bins!r}, expected a number of 1 to {_MOST_BINS:,}")
    return bins
