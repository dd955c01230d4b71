"""The cells of a sweep: trials that differ in nothing but their seed, ranked by what they score on validation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from optuna.trial import FrozenTrial, TrialState

from entreg.losses import name_of
from entreg.runs import Run, read_config, read_summary
from entreg.runs.experiment import arm_of
from entreg.sweep.board import Board
from entreg.sweep.config import SEED


@dataclass(frozen=True)
class Cell:
    """Completed trials of one choice of values.

    Attributes:
        values: of the parameters, without the seed.
        scores: the sweep's metric of each trial.
        run: of the first trial.
    """

    values: Mapping[str, Any]
    scores: Sequence[float]
    run: Run

    @property
    def score(self) -> float:
        """Mean over seeds."""
        return fmean(self.scores)

    @property
    def arm(self) -> str:
        """Hash of the experiment that its runs are seeds of."""
        return arm_of(read_config(self.run), read_summary(self.run))

    @property
    def loss(self) -> str:
        """Registry name of the loss, or its class."""
        return name_of(str(read_config(self.run)["model"]["loss"]["class_path"]))


def ranked_cells(board: Board) -> list[Cell]:
    """Return cells, the best on validation first; cells of a grid that lack seeds which others have are left out."""
    found: dict[str, list[FrozenTrial]] = {}
    for trial in board.trials:
        if trial.state == TrialState.COMPLETE:
            found.setdefault(repr(_without_seed(board, trial)), []).append(trial)
    needed = max(map(len, found.values()), default=0) if board.sweep.sampler == "grid" else 1
    cells = [
        Cell(
            _without_seed(board, trials[0]),
            [trial.value for trial in trials if trial.value is not None],
            board.run(trials[0]),
        )
        for trials in found.values()
        if len(trials) >= needed
    ]
    return sorted(cells, key=lambda cell: cell.score, reverse=board.sweep.goal == "maximize")


def seeds_of(board: Board) -> set[int]:
    """Seeds that trials of a sweep have been trained with."""
    completed = [trial for trial in board.trials if trial.state == TrialState.COMPLETE]
    said = {int(read_summary(board.run(trial))["seed"]) for trial in completed}
    return said | {int(trial.params[SEED]) for trial in board.trials if SEED in trial.params}


def _without_seed(board: Board, trial: FrozenTrial) -> dict[str, Any]:
    return {key: trial.params[key] for key in board.sweep.parameters if key != SEED and key in trial.params}
