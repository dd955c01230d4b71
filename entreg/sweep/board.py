"""The board that workers share: an Optuna study, from which each takes the next trial under a lock."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import optuna
from filelock import BaseFileLock
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from entreg.compare.plan import NAME as PLAN
from entreg.compare.plan import write_plan
from entreg.errors import ConfigError, Interrupted, RunError
from entreg.runs import Run, new_run
from entreg.runs.lease import Lease, Watch
from entreg.sweep.checks import check_trial, no_link
from entreg.sweep.config import Sweep
from entreg.sweep.space import cells, sampler, suggest
from entreg.sweep.storage import folder_lock, open_storage

PRUNERS: dict[str | None, type[optuna.pruners.BasePruner]] = {
    None: optuna.pruners.NopPruner,
    "median": optuna.pruners.MedianPruner,
    "hyperband": optuna.pruners.HyperbandPruner,
}

_CONTENT = (".lock", "claims", "confirm", "logs", "report", "runs", "study.log")


class Board:
    """Trials of a sweep: which are waiting, being trained, and done.

    A trial is being trained as long as the lease of its worker, or the one in its run folder, is renewed. One whose
    leases are stale was left by processes that died: the next worker takes it up under its number and resumes its run.
    Optuna's own heartbeat does this for relational databases only, by starting over.

    Args:
        sweep: what is tried.
        folder: of the sweep, shared by all workers: the run folders, the lock, and the default storage.
        study: Optuna's study of that name.
        storage: where the study is kept.
        lock: holds off all other workers.
    """

    def __init__(
        self, sweep: Sweep, folder: Path, study: optuna.Study, storage: BaseStorage, lock: BaseFileLock
    ) -> None:
        self.sweep = sweep
        self.folder = folder
        self.study = study
        self.lock = lock
        self._storage = storage
        self._watch = Watch()
        self._held: dict[int, Lease] = {}

    @classmethod
    def open(cls, sweep: Sweep, folder: Path, url: str | None = None, retry: bool = False) -> Board:
        """Open the board of a sweep, or begin it: a grid's trials are put up at once.

        Args:
            sweep: what is tried.
            folder: of the sweep; made if absent.
            url: of a relational database; default: a journal file in ``folder``.
            retry: whether trials that failed are tried again, their runs being resumed.

        Raises:
            ConfigError: if the database cannot be used, or the study was begun with another definition.
            RunError: if the folder cannot be written, its journal cannot be read, or has trials of another sweep.
        """
        for name in _CONTENT:
            no_link(folder / name)
        lock = folder_lock(folder)
        with lock:
            storage = open_storage(url, folder)
            study = optuna.create_study(
                storage=storage,
                study_name=sweep.name,
                direction=sweep.goal,
                pruner=PRUNERS[sweep.prune](),
                load_if_exists=True,
            )
            board = cls(sweep, folder, study, storage, lock)
            board._check_definition()
            if sweep.plan is not None:
                board.plan.parent.mkdir(exist_ok=True)
                write_plan(board.plan, replace(sweep.plan, arms=sweep.plan.arms or sweep.arms))
            if sweep.sampler == "grid":
                board._put_up_cells()
            if retry:
                board._put_up_failed()
        return board

    @property
    def plan(self) -> Path:
        """File of the analysis plan, if the sweep has one."""
        return self.folder / "runs" / PLAN

    @property
    def trials(self) -> list[FrozenTrial]:
        """All trials, failed ones that were tried again included.

        Raises:
            RunError: if one is not of this sweep.
        """
        trials = self.study.get_trials(deepcopy=False)
        for trial in trials:
            check_trial(self.sweep, trial)
        return trials

    @property
    def retried(self) -> set[int]:
        """Numbers of the failed trials that were tried again."""
        return {trial.user_attrs["retry_of"] for trial in self.trials if "retry_of" in trial.user_attrs}

    @property
    def total(self) -> int:
        """Number of trials that there will be."""
        return len(self.trials) if self.sweep.trials is None else self.sweep.trials + len(self.retried)

    @property
    def is_done(self) -> bool:
        """Whether every trial has ended."""
        trials = self.trials
        return len(trials) >= self.total and all(trial.state.is_finished() for trial in trials)

    @property
    def runs(self) -> list[Path]:
        """Run folders of all trials that have begun, of those that failed too: an arm is not better without them."""
        runs = (self.run(trial) for trial in self.trials if "run" in trial.user_attrs)
        return list(dict.fromkeys(run.path for run in runs if run.started))

    def run(self, trial: FrozenTrial | optuna.Trial) -> Run:
        """Run of a trial that has been taken."""
        return Run(no_link(self.folder / "runs" / trial.user_attrs["run"]))

    @contextmanager
    def take(self) -> Iterator[optuna.Trial | None]:
        """Take the next trial: one that a dead process left, or else a new one; it is this worker's inside the context.

        Yields:
            ``None`` if there is nothing to take, now or for good.
        """
        with ExitStack() as held:
            with self.lock:
                trial = self._next()
                if trial is not None:
                    self._held[trial.number] = held.enter_context(Lease(self._claim(trial.number), self._watch))
            yield trial

    def is_ours(self, trial: optuna.Trial) -> bool:
        """Whether a trial that was taken still is this worker's, and not another's who took it for left."""
        try:
            self._held[trial.number].check()
        except Interrupted:
            return False
        return True

    def _next(self) -> optuna.Trial | None:
        unheld = {trial.number for trial in self.trials if trial.state == TrialState.RUNNING and self._is_left(trial)}
        trials = self.trials  # again: a worker may just now have told how a trial ended, and then let go of it
        left = (trial for trial in trials if trial.state == TrialState.RUNNING and trial.number in unheld)
        waiting = (trial for trial in trials if trial.state == TrialState.WAITING)
        if (abandoned := next(left, None)) is not None:
            self.study.sampler = sampler(self.sweep, abandoned.number)
            trial = self._trial(abandoned.number)
        elif (first := next(waiting, None)) is not None or len(trials) < self.total:
            self.study.sampler = sampler(self.sweep, first.number if first is not None else len(trials))
            trial = self.study.ask()
        else:
            return None
        try:
            suggest(self.sweep, trial)
        except ValueError as error:  # of what the study has said before of the values of a parameter
            raise RunError(
                f"{self.folder}: trial {trial.number} is not of sweep {self.sweep.name} ({error})"
            ) from error
        if "run" not in trial.user_attrs:
            trial.set_user_attr("run", new_run(self.folder, self.sweep.name).path.name)
        trial.set_user_attr("attempts", trial.user_attrs.get("attempts", 0) + 1)
        return trial

    def _claim(self, number: int) -> Path:
        return self.folder / "claims" / f"{number}.json"

    def _is_left(self, trial: FrozenTrial) -> bool:
        """Whether neither a worker nor a run that outlived its worker is behind a running trial."""
        if not self._watch.is_stale(self._claim(trial.number)):
            return False
        # A trial gets its run under the lock: without one, its worker died while taking it.
        return "run" not in trial.user_attrs or self._watch.is_stale(self.run(trial).lease)

    def _trial(self, number: int) -> optuna.Trial:
        # Optuna advises against this constructor, but has no other way to go on with a trial and report to its pruner.
        study_id = self._storage.get_study_id_from_name(self.sweep.name)
        return optuna.Trial(self.study, self._storage.get_trial_id_from_study_id_trial_number(study_id, number))

    def _check_definition(self) -> None:
        """Write down what the study is about, or compare it with what is written there."""
        ours = json.loads(json.dumps(self.sweep.definition()))
        theirs = self.study.user_attrs.get("sweep")
        if theirs is None:
            self.study.set_user_attr("sweep", ours)
        elif not isinstance(theirs, dict):
            raise RunError(f"{self.folder}: its study calls itself {theirs!r}, no sweep: choose another --folder")
        elif different := [key for key in ours if ours[key] != theirs.get(key)]:
            key = different[0]
            raise ConfigError(
                f"sweep {self.sweep.name} was begun with {key} {theirs.get(key)}, now it is {ours[key]}: "
                "give the new one another --name"
            )
        directions = [direction.name.lower() for direction in self.study.directions]
        if directions != [self.sweep.goal]:
            raise RunError(f"{self.folder}: its study would {' and '.join(directions)}: choose another --folder")

    def _put_up_cells(self) -> None:
        """Put up the cells of a grid that are not there: all at first, the rest where a worker died doing it."""
        there = {trial.user_attrs.get("cell") for trial in self.trials}
        for number, cell in enumerate(cells(self.sweep)):
            if number not in there:
                self.study.enqueue_trial(cell, user_attrs={"cell": number})

    def _put_up_failed(self) -> None:
        """Put up failed trials once more, each with the run that it had."""
        retried = self.retried
        for trial in self.trials:
            if trial.state == TrialState.FAIL and trial.number not in retried:
                known: dict[str, Any] = {"retry_of": trial.number}
                known |= {key: trial.user_attrs[key] for key in ("cell", "run") if key in trial.user_attrs}
                self.study.enqueue_trial(trial.params, user_attrs=known)
