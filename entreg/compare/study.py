"""Runs read from their folders, sorted into arms and checked to be comparable."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from entreg.compare.collapse import is_collapsed
from entreg.compare.comparable import (
    by_test_set,
    check_test_sets,
    data_notes,
    environment_notes,
    history_notes,
    prediction_notes,
    temperature_notes,
    with_common_bins,
    with_common_sets,
)
from entreg.compare.failures import Failure, by_arm, failure_of
from entreg.compare.kinds import premise_of
from entreg.compare.labels import differences_of, labels_of
from entreg.compare.result import Result, read_result
from entreg.errors import Diverged, RunError
from entreg.runs import Run

_NAMED = 5  # of what is no run


@dataclass(frozen=True)
class Study:
    """Comparable runs by arm: an arm is the runs of one experiment, which differ in their seed only.

    Attributes:
        arms: runs of each arm in the order of their seeds, by its label.
        differences: config keys in which the arms differ: their values by the label of the arm.
        notes: what was left out or is to be kept in mind, a sentence each.
        failures: by label of its arm, runs that did not finish; arms without any are left out.
        collapsed: by label of its arm, seeds of runs that finished and learnt nothing, see
            :func:`entreg.compare.collapse.is_collapsed`; they count, and arms without any are left out.
    """

    arms: Mapping[str, Sequence[Result]]
    differences: Mapping[str, Mapping[str, Any]]
    notes: Sequence[str] = field(default_factory=tuple)
    failures: Mapping[str, Sequence[Failure]] = field(default_factory=dict)
    collapsed: Mapping[str, Sequence[int]] = field(default_factory=dict)

    @property
    def premise(self) -> str:
        """What the arms differ in besides the loss, a sentence; empty where the loss is all."""
        return premise_of(self.differences)

    @property
    def results(self) -> list[Result]:
        """All runs."""
        return [result for arm in self.arms.values() for result in arm]

    @property
    def has_predictions(self) -> bool:
        """Whether every run has predictions on the test set."""
        return all(result.has_predictions for result in self.results)

    @property
    def samples(self) -> int:
        """Number of test samples."""
        return int(self.results[0].scores["test"]["n"])

    def label_of(self, name: str) -> str:
        """Return the label of the arm that is meant: by label, loss, name, or the beginning of its hash.

        Raises:
            RunError: if there is none, or more than one.
        """
        if name in self.arms:
            return name
        fitting = [label for label, arm in self.arms.items() if _is_called(arm[0], name)]
        if len(fitting) != 1:
            what = "several arms" if fitting else "no arm"
            raise RunError(f"baseline {name!r}: {what} of that name, expected one of {', '.join(self.arms)}")
        return fitting[0]


def read_study(folders: Iterable[str | Path]) -> Study:
    """Read run folders of one test set; what is not finished is left out and said so.

    Calibration errors of all runs have the same number of bins, that of their configs (``metrics.bins``); where those
    differ it is the one that most runs have, and a note says so.

    Raises:
        RunError: if no run is left, or the runs were not tested on the same samples.
    """
    notes: list[str] = []
    results, failures = _read(folders, notes)
    check_test_sets(results)
    return _study(results, failures, notes)


def read_studies(folders: Iterable[str | Path]) -> dict[str, Study]:
    """Read run folders as :func:`read_study` does, a study for each test set, by its name.

    What is left out is noted in every study.

    Raises:
        RunError: if no run is left.
    """
    notes: list[str] = []
    results, failures = _read(folders, notes)
    return {name: _study(tested, failures, list(notes)) for name, tested in by_test_set(results).items()}


def _study(results: Sequence[Result], failures: Sequence[Failure], notes: list[str]) -> Study:
    """Sort runs of one test set into arms, and add to the notes what is to be kept in mind of them."""
    results = with_common_sets(with_common_bins(results, notes), notes)
    by_hash: dict[str, list[Result]] = {}
    for result in results:
        by_hash.setdefault(result.arm, []).append(result)
    arms = {hashed: _one_a_seed(runs, notes) for hashed, runs in by_hash.items()}
    labels = labels_of(arms, differences_of(arms))
    labelled = {labels[hashed]: arm for hashed, arm in arms.items()}
    collapsed = {label: [run.seed for run in arm if is_collapsed(run)] for label, arm in labelled.items()}
    study = Study(
        labelled,
        differences_of(labelled),
        failures=by_arm(failures, labelled),
        collapsed={label: seeds for label, seeds in collapsed.items() if seeds},
    )
    notes += environment_notes(labelled)
    for notes_of in (prediction_notes, temperature_notes, data_notes, history_notes):
        notes += notes_of(study.results)
    return replace(study, notes=tuple(notes))


def _read(folders: Iterable[str | Path], notes: list[str]) -> tuple[list[Result], list[Failure]]:
    """Read the folders that hold finished runs, each once; note the others, and return those that are runs."""
    results, failures = [], []
    given = {Path(os.path.realpath(folder)): folder for folder in folders}  # of links in a circle, too
    others = [path for path in given if path.exists() and not Run(path).started]
    if len(others) > 1:  # as of runs/*, a line for all
        names = ", ".join(str(given.pop(path)) for path in others[:_NAMED])
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        notes.append(f"left out: {names}{more}: no run folders")
    for path, folder in given.items():
        if len(others) > 1 and path in others:
            continue
        try:
            results.append(read_result(folder))
        except RunError as error:
            notes.append(f"left out: {error}")
            failure = failure_of(path, isinstance(error, Diverged))
            failures += [failure] if failure is not None else []
    if not results:
        reasons = f" ({'; '.join(notes)})" if notes else ""
        raise RunError(f"no finished run to compare{reasons}; train some with entreg fit, then: entreg compare runs/*")
    return results, failures


def _one_a_seed(arm: Sequence[Result], notes: list[str]) -> list[Result]:
    """Sort an arm's runs by seed; of several with one seed the first by name counts, whatever it has scored."""
    by_seed: dict[int, Result] = {}
    for result in sorted(arm, key=lambda result: str(result.run.path)):
        counted = by_seed.setdefault(result.seed, result)
        if counted is not result:
            notes.append(
                f"left out: {result.run.path} has the arm and seed {result.seed} of {counted.run.path}, which is the "
                "first by name; to compare the other one, leave this one out"
            )
    return [by_seed[seed] for seed in sorted(by_seed)]


def _is_called(result: Result, name: str) -> bool:
    """Whether a run has a loss, a name, or a hash that begins like this."""
    return name in (result.loss, result.summary.get("name")) or result.arm.startswith(name)
