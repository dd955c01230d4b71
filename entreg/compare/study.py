"""Runs read from their folders, sorted into arms and checked to be comparable."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from entreg.errors import RunError
from entreg.losses import name_of
from entreg.runs import Run, open_run, read_predictions, read_summary
from entreg.runs.provenance import config_hash, experiment
from entreg.runs.scoring import Scores, evaluate_predictions


@dataclass(frozen=True)
class Result:
    """A finished run.

    Attributes:
        run: its folder.
        arm: hash of what makes it an experiment.
        summary: its ``summary.json``.
        config: what makes it an experiment, :func:`entreg.runs.provenance.experiment` of its config.
        data: section ``data`` of its config.
        scores: :func:`entreg.runs.scoring.evaluate_predictions` of its folder.
    """

    run: Run
    arm: str
    summary: Mapping[str, Any]
    config: Mapping[str, Any]
    data: Mapping[str, Any]
    scores: Scores

    @property
    def seed(self) -> int:
        """Seed of the run."""
        return int(self.summary["seed"])

    @property
    def loss(self) -> str:
        """Registry name of the loss, or its class."""
        return name_of(str(self.config["model.loss.class_path"]))


@dataclass(frozen=True)
class Study:
    """Comparable runs by arm.

    Attributes:
        arms: runs of each arm in the order of their seeds, by its label.
        differences: config keys in which the arms differ: their values by the label of the arm.
        notes: what was left out or is to be kept in mind, a sentence each.
    """

    arms: Mapping[str, Sequence[Result]]
    differences: Mapping[str, Mapping[str, Any]]
    notes: Sequence[str] = field(default_factory=tuple)

    @property
    def results(self) -> list[Result]:
        """All runs."""
        return [result for arm in self.arms.values() for result in arm]

    def arm(self, name: str) -> str:
        """Return the label of the arm that is meant: by label, loss, or the beginning of its hash.

        Raises:
            RunError: if there is none, or more than one.
        """
        if name in self.arms:
            return name
        fitting = [
            label
            for label, (first, *_) in self.arms.items()
            if first.loss == name or first.arm.startswith(name) or first.summary.get("name") == name
        ]
        if len(fitting) != 1:
            what = "several arms" if fitting else "no arm"
            raise RunError(f"baseline {name!r}: {what} of that name, expected one of {', '.join(self.arms)}")
        return fitting[0]


def read_study(folders: Iterable[str | Path]) -> Study:
    """Read run folders; what is not finished is left out and said so.

    Raises:
        RunError: if no run is left, or the runs were not tested on the same images.
    """
    results: list[Result] = []
    notes: list[str] = []
    for folder in {Path(folder).resolve(): folder for folder in folders}.values():
        try:
            results.append(read_result(folder))
        except RunError as error:
            notes.append(f"left out: {error}")
    if not results:
        reasons = f" ({'; '.join(notes)})" if notes else ""
        raise RunError(f"no finished run to compare{reasons}; train some with entreg fit, then: entreg compare runs/*")
    check_test_sets(results)
    results = _with_common_sets(results, notes)
    by_arm: dict[str, list[Result]] = {}
    for result in results:
        by_arm.setdefault(result.arm, []).append(result)
    kept = {arm: _one_a_seed(group, notes) for arm, group in by_arm.items()}
    configs = {arm: _described(group) for arm, group in kept.items()}
    labels = _labels(kept, _differences(configs))
    notes += _data_notes({labels[arm]: group for arm, group in kept.items()})
    return Study(
        {labels[arm]: group for arm, group in kept.items()},
        {key: {labels[arm]: value for arm, value in values.items()} for key, values in _differences(configs).items()},
        tuple(notes),
    )


def read_result(folder: str | Path) -> Result:
    """Read one run folder.

    Raises:
        RunError: if it is none, or the run was not evaluated on test.
    """
    run = open_run(folder)
    if not run.predictions("test").is_file():
        raise RunError(f"{run.path}: holds no predictions/test.npz; finish it with entreg fit --run {run.path}")
    try:
        summary = read_summary(run)
        whole = yaml.safe_load(run.config.read_text())
        config = whole if isinstance(whole, dict) else {}
        missing = [key for key in ("seed", "loss") if key not in summary]
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, yaml.YAMLError) as error:
        raise RunError(f"{run.path}: cannot be read ({str(error).splitlines()[0]})") from error
    if "model.loss.class_path" not in experiment(config):
        raise RunError(f"{run.path}: config.yaml names no loss (model.loss.class_path), so it is not whole")
    if missing:
        raise RunError(
            f"{run.path}: summary.json has no {missing[0]!r}, so training did not end; "
            f"finish it with entreg fit --run {run.path}"
        )
    try:
        scores = evaluate_predictions(run, summary.get("ood_sets"))
    except ValueError as error:
        raise RunError(f"{run.path}: predictions cannot be scored ({error})") from error
    if not math.isfinite(scores["test"]["nll"]):
        raise RunError(f"{run.path}: NLL on test is {scores['test']['nll']}, so the logits of some images are infinite")
    return Result(run, config_hash(config), summary, experiment(config), config.get("data", {}), scores)


def check_test_sets(results: Sequence[Result]) -> None:
    """Raise :class:`RunError` unless all runs were tested on the same images."""
    first = results[0]
    reference = read_predictions(first.run.predictions("test"))
    for result in results[1:]:
        other = read_predictions(result.run.predictions("test"))
        for key, what in (("ids", "other images"), ("targets", "images with other labels")):
            if not np.array_equal(reference[key], other[key]):
                sizes = f"{len(reference[key])} and {len(other[key])}"
                raise RunError(
                    f"{result.run.path} was tested on {what} than {first.run.path} ({sizes} samples); "
                    "compare runs of one test set"
                )


def _with_common_sets(results: Sequence[Result], notes: list[str]) -> list[Result]:
    """Leave out the further sets of which the runs do not hold the same images, and say so."""
    differing = []
    for kind in ("ood", "shift"):
        for name in sorted({name for result in results for name in result.scores.get(kind, {})}):
            paths = [result.run.predictions(f"{kind}-{name}") for result in results]
            found = [read_predictions(path) for path in paths if path.is_file()]
            if any(not np.array_equal(found[0][key], other[key]) for other in found[1:] for key in ("ids", "targets")):
                differing.append((kind, name))
                notes.append(f"{kind} set {name} is left out: it does not hold the same images in all runs")
    for kind, name in differing:
        results = [
            replace(r, scores={**r.scores, kind: {k: v for k, v in r.scores.get(kind, {}).items() if k != name}})
            for r in results
        ]
    return list(results)


def _one_a_seed(group: Sequence[Result], notes: list[str]) -> list[Result]:
    """Sort an arm's runs by seed; of two with one seed the later counts, as it was made to replace the other."""
    by_seed: dict[int, Result] = {}
    for result in sorted(group, key=lambda r: r.run.summary.stat().st_mtime):
        if (earlier := by_seed.get(result.seed)) is not None:
            notes.append(f"left out: {earlier.run.path} has the arm and seed {result.seed} of {result.run.path}")
        by_seed[result.seed] = result
    return [by_seed[seed] for seed in sorted(by_seed)]


def _described(group: Sequence[Result]) -> dict[str, Any]:
    data = group[0].summary.get("data", {})
    return {**group[0].config, "training data (fingerprint)": data.get("train")}


def _differences(configs: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    keys = sorted({key for config in configs.values() for key in config})
    found = {}
    for key in keys:
        values = {arm: config.get(key) for arm, config in configs.items()}
        if len({json.dumps(value, sort_keys=True, default=str) for value in values.values()}) > 1:
            found[key] = values
    return found


def _labels(arms: Mapping[str, Sequence[Result]], differences: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Name arms by their loss, by their configs' names, or by what differs: the shortest that tells them apart."""
    losses = {arm: group[0].loss for arm, group in arms.items()}
    names = {arm: str(group[0].summary.get("name") or losses[arm]) for arm, group in arms.items()}
    own = {key: v for key, v in differences.items() if not key.startswith("model.loss.class_path")}
    values = {
        arm: " ".join([losses[arm], *(f"{key.rsplit('.', 1)[-1]}={v[arm]}" for key, v in own.items() if arm in v)])
        for arm in arms
    }
    hashes = {arm: f"{losses[arm]}-{arm[:6]}" for arm in arms}
    for labels in (losses, names, values):
        if len(set(labels.values())) == len(arms) and all(len(label) <= 40 for label in labels.values()):
            return labels
    return hashes


def _data_notes(arms: Mapping[str, Sequence[Result]]) -> list[str]:
    notes = []
    for label, group in arms.items():
        if len({result.summary.get("data", {}).get("train") for result in group}) > 1:
            notes.append(f"the seeds of {label} were not trained on the same data (fingerprints differ)")
    tested = {result.summary.get("data", {}).get("pixels") for group in arms.values() for result in group}
    if len(tested - {None}) > 1:
        notes.append(
            "the test images of these runs have the same ids and labels, but not the same pixels: is that meant?"
        )
    return notes
