"""Everything that is said of a run's predictions, computed from its folder alone: no trainer, no network, no inputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from entreg.errors import Diverged, RunError
from entreg.metrics import OOD_SCORES, fit_temperature, ood_metrics, overconfident_share, scores_of
from entreg.runs.folder import Run
from entreg.runs.predictions import read_predictions
from entreg.runs.set_name import TEST, VAL, SetKind, SetName, without_lookalikes

Scores = dict[str, Any]
Detectors = dict[str, Tensor]  # what each detector says of the samples of a set, by its name

DEFAULT_BINS = 15
SCORES = ("temperature", "val", "test", "shift", "corrupt", "ood")  # what evaluate_predictions finds


def evaluate_predictions(
    run: Run, ood_sets: Mapping[str, Mapping[str, Any]] | None = None, bins: int = DEFAULT_BINS
) -> Scores:
    """Score every file of predictions in a run folder, as it is and after temperature scaling.

    The temperature is fitted on validation (:func:`entreg.metrics.fit_temperature`). Where there are no predictions on
    validation, or all of them are right (no other class has a larger logit), which calls for ever smaller temperatures,
    it is undetermined: there is none, and nothing is said of scaled logits.

    Args:
        run: run folder.
        ood_sets: what is known of each out-of-distribution set by its name: ``lookalikes``, its classes that look like
            one of training; the set is scored with and, as ``<name>-distinct``, without them; and whether it is
            ``near``.
        bins: bins of the calibration errors.

    Returns:
        a dict with

        * ``temperature``, if it is determined;
        * ``val`` and ``test``: :func:`entreg.metrics.scores_of`, those after scaling under ``scaled``;
        * ``shift``: the same, by name of the set;
        * ``corrupt``: the same, by name of the corruption and severity;
        * ``ood``: by name of the set, for each score of :data:`entreg.metrics.OOD_SCORES` how well it tells the set
          from test, and the share of its samples classified with a confidence of 99 % or more.

    Raises:
        RunError: if a file is none of predictions, or holds logits that are NaN or +inf.
    """
    found: Scores = {}
    temperature = None
    if run.predictions(VAL).is_file():
        logits, targets = _read(run, VAL)
        try:
            temperature = temperature_of(logits, targets)
        except ValueError as error:
            raise RunError(f"{run.predictions(VAL)}: no temperature can be fitted, {error}") from error
        found |= {} if temperature is None else {"temperature": temperature}
        found["val"] = _classification_scores(logits, targets, temperature, bins)
    test: list[Detectors] | None = None
    for name in _evaluated_sets(run):
        logits, targets = _read(run, name)
        if name.kind is SetKind.OOD:
            if test is not None:
                known = (ood_sets or {}).get(name.name, {})
                found.setdefault("ood", {}).update(_ood_scores(name.name, test, logits, targets, temperature, known))
            continue
        scores = _classification_scores(logits, targets, temperature, bins)
        if name.kind is SetKind.TEST:
            test = [_detectors(version) for version in _versions(logits, temperature)]
            found["test"] = scores
        elif name.kind is SetKind.SHIFT:
            found.setdefault("shift", {})[name.name] = scores
        else:
            found.setdefault("corrupt", {}).setdefault(name.name, {})[str(name.severity)] = scores
    return found


def temperature_of(logits: Tensor, targets: Tensor) -> float | None:
    """Fit the temperature on validation; ``None`` where none is wrong, which calls for ever smaller ones.

    Raises:
        ValueError: see :func:`entreg.metrics.fit_temperature`.
    """
    is_right = logits.gather(1, targets[:, None])[:, 0] == logits.amax(1)
    return None if bool(is_right.all()) else fit_temperature(logits, targets)


def flatten(scores: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Return nested scores as one level, keys joined by ``/``, which dashboards group by.

    Example:
        >>> flatten({"ood": {"noise": {"msp": {"auroc": 0.9}}}})
        {'ood/noise/msp/auroc': 0.9}
    """
    flat: dict[str, float] = {}
    for key, value in scores.items():
        if isinstance(value, Mapping):
            flat |= flatten(value, f"{prefix}{key}/")
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[f"{prefix}{key}"] = value
    return flat


def _evaluated_sets(run: Run) -> list[SetName]:
    """Return the sets with predictions but validation: test first, which the others are told from."""
    named = (SetName.parse(path.stem) for path in run.all_predictions())
    names = [name for name in named if name is not None and name != VAL]
    return sorted(names, key=lambda name: name != TEST)


def _read(run: Run, name: SetName) -> tuple[Tensor, Tensor]:
    path = run.predictions(name)
    arrays = read_predictions(path)
    logits, targets = torch.from_numpy(arrays["logits"]), torch.from_numpy(arrays["targets"])
    if bad := int((logits.isnan() | logits.isposinf()).any(1).sum()):
        raise Diverged(
            f"{path}: the logits of {bad} of {len(logits)} samples are NaN or infinite, so the training has diverged"
        )
    if len(targets) < 2:
        raise RunError(f"{path}: holds one sample, of which nothing can be said; expected two or more")
    if name.kind is not SetKind.OOD and not ((targets >= 0) & (targets < logits.shape[1])).all():
        raise RunError(f"{path}: holds a target that is none of the {logits.shape[1]} classes")
    return logits, targets


def _classification_scores(logits: Tensor, targets: Tensor, temperature: float | None, bins: int) -> Scores:
    """Scores of the logits, and of those divided by the temperature under ``scaled``."""
    scores = _with_whole_counts(scores_of(logits, targets, bins))
    if temperature is not None:
        scores["scaled"] = _with_whole_counts(scores_of(logits.double() / temperature, targets, bins))
    return scores


def _with_whole_counts(scores: Mapping[str, float]) -> Scores:
    """Counts as integers, and the accuracy that follows from them."""
    n, errors = int(scores["n"]), int(scores["errors"])
    return {**scores, "acc": 1 - errors / n, "errors": errors, "n": n}


def _ood_scores(
    name: str,
    test: Sequence[Detectors],
    logits: Tensor,
    targets: Tensor,
    temperature: float | None,
    known: Mapping[str, Any],
) -> Scores:
    """Detection scores of an out-of-distribution set by its name, and without its lookalikes if it has some."""
    near = {"near": bool(known.get("near", False))}
    scores = {name: near | _detection_scores(test, logits, temperature)}
    alike = torch.isin(targets, torch.tensor(known.get("lookalikes", ()), dtype=targets.dtype))
    if alike.any() and not alike.all():
        scores[without_lookalikes(name)] = near | _detection_scores(test, logits[~alike], temperature)
    return scores


def _detection_scores(test: Sequence[Detectors], logits: Tensor, temperature: float | None) -> Scores:
    """How well each detector tells a set from test, and the same at the temperature under ``scaled``."""
    raw, *scaled = [
        _told_apart(inside, _detectors(version)) | {"overconfident": overconfident_share(version)}
        for inside, version in zip(test, _versions(logits, temperature), strict=True)
    ]
    return {"n": len(logits), **raw, **({"scaled": scaled[0]} if scaled else {})}


def _versions(logits: Tensor, temperature: float | None) -> list[Tensor]:
    """Return the logits as they are and, where there is a temperature, divided by it."""
    return [logits] if temperature is None else [logits, logits.double() / temperature]


def _detectors(logits: Tensor) -> Detectors:
    return {name: score(logits) for name, score in OOD_SCORES.items()}


def _told_apart(inside: Detectors, outside: Detectors) -> Scores:
    return {name: ood_metrics(inside[name], outside[name]) for name in inside}
