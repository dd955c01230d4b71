"""What makes runs comparable: the same test set, the same further sets, the same bins."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations
from statistics import mode
from typing import Any

import numpy as np

from entreg.compare.result import Result, score
from entreg.errors import RunError
from entreg.runs import read_predictions
from entreg.runs.history import history_of, trained_on_after_test
from entreg.runs.set_name import TEST, SetKind, SetName, without_lookalikes
from entreg.text import for_name


def check_test_sets(results: Sequence[Result]) -> None:
    """Raise :class:`RunError` unless all runs were tested on the same samples."""
    first = results[0]
    all_known = all(result.has_predictions for result in results)
    for result in results[1:]:
        if _tested_on(result, all_known) != _tested_on(first, all_known):
            sizes = f"{first.scores['test']['n']} and {result.scores['test']['n']}"
            raise RunError(
                f"{result.run.path} was tested on other samples, or with other labels, than {first.run.path} "
                f"({sizes} samples); compare runs of one test set"
            )


def by_test_set(results: Sequence[Result]) -> dict[str, list[Result]]:
    """Sort runs by the samples that they were tested on: ids and labels.

    Returns:
        runs of each test set by its name, that of the data, which test sets of one name follow with a hash of theirs.
    """
    from entreg.data import name_of  # brings Lightning with it, which arrays are compared without

    found: dict[tuple[str, str], list[Result]] = {}
    all_known = all(result.has_predictions for result in results)
    for result in results:
        name = name_of(str(result.data.get("class_path", "data")), result.data.get("init_args", {}))
        found.setdefault((for_name(name.lower()), _tested_on(result, all_known)), []).append(result)
    names = [name for name, _ in found]
    return {
        name if names.count(name) == 1 else f"{name}-{digest[:6]}": tested for (name, digest), tested in found.items()
    }


def with_common_bins(results: Sequence[Result], notes: list[str]) -> list[Result]:
    """Score all runs with the number of bins that most of them have, and say so if it is not that of all."""
    numbers = [result.bins for result in results]
    common = mode(numbers)
    if set(numbers) == {common}:
        return list(results)
    for result in results:
        if result.bins != common and not result.has_predictions:
            raise RunError(
                f"{result.run.path}: has {result.bins} bins (metrics.bins), most runs {common}, and no predictions to "
                "compute its calibration errors anew; leave it out"
            )
    found = " and ".join(map(str, sorted(set(numbers))))
    notes.append(
        f"the runs have {found} bins (metrics.bins): their calibration errors are all computed with {common} here, "
        "so those of the others are not the ones in their summary.json"
    )
    return [
        result
        if result.bins == common
        else replace(result, bins=common, scores=score(result.run, result.summary, common))
        for result in results
    ]


def with_common_sets(results: Sequence[Result], notes: list[str]) -> list[Result]:
    """Leave out the further sets of which the runs do not hold the same samples, and say so."""
    kept = list(results)
    for kind in (SetKind.OOD, SetKind.SHIFT):
        names = {name for result in results for name in result.sets(kind)}
        for name in sorted(names, key=lambda name: name.name):
            if not _is_the_same_in_all(name, results):
                notes.append(f"{kind.value} set {name.name} is left out: it does not hold the same samples in all runs")
                kept = [replace(result, scores=_scores_without(name, result.scores)) for result in kept]
    return kept


def temperature_notes(results: Sequence[Result]) -> list[str]:
    """Say why nothing is compared at T: of some runs it is undetermined."""
    without = [str(result.run.path) for result in results if "temperature" not in result.scores]
    if not without:
        return []
    which = "all runs" if len(without) == len(results) else ", ".join(without)
    return [
        "nothing is compared at T, which is undetermined (no predictions on validation, or all of them right) in "
        f"{which}"
    ]


def data_notes(results: Sequence[Result]) -> list[str]:
    """Say whether the pixels of the test images differ."""
    tested = {result.summary.get("data", {}).get("pixels") for result in results}
    if len(tested - {None}) < 2:
        return []
    return ["the test images of these runs have the same ids and labels, but not the same pixels: is that meant?"]


def history_notes(results: Sequence[Result]) -> list[str]:
    """Say which runs were trained on when it could be known how they do on test."""
    runs = [str(result.run.path) for result in results if trained_on_after_test(result.summary)]
    return [f"trained on after the test set had been looked at: {', '.join(runs)}"] if runs else []


def environment_notes(arms: Mapping[str, Sequence[Result]]) -> list[str]:
    """Say of which arms no run has the versions, the commit or the processor of any run of another."""
    made_with = {label: [_made_with(run) for run in arm] for label, arm in arms.items()}
    found: dict[tuple[str, str], list[str]] = {}
    for one, other in combinations(made_with, 2):
        ours, theirs = made_with[one], made_with[other]
        found[one, other] = [
            f"{what} {_values(ours, what)} against {_values(theirs, what)}"
            for what in ours[0]
            if all(what in run for run in (*ours, *theirs))
            and {run[what] for run in ours}.isdisjoint(run[what] for run in theirs)
        ]
    unlike = [pair for pair, apart in found.items() if apart]
    if not unlike:
        return []
    one, other = max(unlike, key=lambda pair: len(found[pair]))
    apart, more = (
        ", ".join(found[one, other]),
        f"; nor were {len(unlike) - 1} other pairs of arms" if unlike[1:] else "",
    )
    return [f"{one} and {other} were not trained alike ({apart}): a difference between them may come from there{more}"]


def _made_with(result: Result) -> dict[str, str]:
    versions, starts = result.summary.get("versions", {}), history_of(result.summary)
    devices = sorted({str(start["device"]) for start in starts if "device" in start})
    found = {"commit": result.summary.get("git_commit"), "processor": " and ".join(devices)}
    found |= {str(name): version for name, version in versions.items()} if isinstance(versions, dict) else {}
    return {what: str(value) for what, value in found.items() if value}


def _values(runs: Sequence[Mapping[str, str]], what: str) -> str:
    return " or ".join(sorted({run[what] for run in runs}))


def prediction_notes(results: Sequence[Result]) -> list[str]:
    """Say that intervals are about seeds alone, where predictions are not at hand."""
    absent = sum(not result.has_predictions for result in results)
    if not absent:
        return []
    return [
        f"{absent} of {len(results)} runs hold no predictions, so their scores are those of summary.json, and what is "
        "said of them is about other seeds on these test samples, not about other samples"
    ]


def _tested_on(result: Result, by_predictions: bool) -> str:
    """Digest of the ids and labels that a run was tested on; or their number and labels, as its summary states them."""
    if not by_predictions:
        return f"{result.scores['test']['n']} {result.summary.get('data', {}).get('test')}"
    tested = read_predictions(result.run.predictions(TEST))
    content = b"".join(np.ascontiguousarray(tested[key]).tobytes() for key in ("ids", "targets"))
    return hashlib.sha256(content).hexdigest()


def _is_the_same_in_all(name: SetName, results: Sequence[Result]) -> bool:
    """Whether all runs that have predictions on a set have them on the same samples."""
    paths = [result.run.predictions(name) for result in results]
    first, *others = [read_predictions(path) for path in paths if path.is_file()]
    return all(np.array_equal(first[key], other[key]) for other in others for key in ("ids", "targets"))


def _scores_without(name: SetName, scores: Mapping[str, Any]) -> dict[str, Any]:
    left_out = (name.name, without_lookalikes(name.name))
    of_kind = scores.get(name.kind.value, {})
    return {**scores, name.kind.value: {key: value for key, value in of_kind.items() if key not in left_out}}
