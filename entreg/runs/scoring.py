"""Everything that is said of a run's predictions, computed from its folder alone: no trainer, no network, no images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from entreg.errors import RunError
from entreg.metrics import OOD_SCORES, fit_temperature, ood_metrics, overconfident_share, scores_of
from entreg.runs.files import read_predictions
from entreg.runs.folder import Run

Scores = dict[str, Any]


def evaluate_predictions(run: Run, ood_sets: Mapping[str, Mapping[str, Any]] | None = None, bins: int = 15) -> Scores:
    """Score every file of predictions in a run folder, as it is and after temperature scaling.

    The temperature is fitted on validation (:func:`entreg.metrics.fit_temperature`); where there are no predictions on
    validation, nothing is said of scaled logits.

    Args:
        run: run folder.
        ood_sets: what is known of each out-of-distribution set by its name: ``lookalikes``, its classes that look like
            one of training; the set is scored with and, as ``<name>-distinct``, without them; and whether it is
            ``near``.
        bins: bins of the calibration errors.

    Returns:
        a dict with

        * ``temperature``;
        * ``val`` and ``test``: :func:`entreg.metrics.scores_of`, those after scaling under ``scaled``;
        * ``shift``: the same, by name of the set;
        * ``corrupt``: the same, by name of the corruption and severity;
        * ``ood``: by name of the set, for each score of :data:`entreg.metrics.OOD_SCORES` how well it tells the set
          from test, and the share of its images classified with a confidence of 99 % or more.

    Raises:
        RunError: if a file is none of predictions, or holds logits that are NaN or +inf.
    """
    found: Scores = {}
    temperature = None
    if run.predictions("val").is_file():
        logits, targets = _read(run, "val")
        temperature = _temperature(run, logits, targets)
        found |= {"temperature": temperature, "val": _scored(logits, targets, temperature, bins)}
    test: Tensor | None = None
    for path in sorted(run.predictions("test").parent.glob("*.npz"), key=lambda path: (path.stem != "test", path.stem)):
        kind, _, name = path.stem.partition("-")
        if kind == "val":
            continue
        logits, targets = _read(run, path.stem)
        if kind == "test":
            test = logits
            found["test"] = _scored(logits, targets, temperature, bins)
        elif kind == "shift":
            found.setdefault("shift", {})[name] = _scored(logits, targets, temperature, bins)
        elif kind == "corrupt":
            corruption, _, severity = name.rpartition("-")
            scores = _scored(logits, targets, temperature, bins)
            found.setdefault("corrupt", {}).setdefault(corruption, {})[severity] = scores
        elif kind == "ood" and test is not None:
            sets, known = found.setdefault("ood", {}), (ood_sets or {}).get(name, {})
            near = {"near": bool(known.get("near", False))}
            sets[name] = near | _told_apart(test, logits, temperature)
            alike = torch.isin(targets, torch.tensor(known.get("lookalikes", ()), dtype=targets.dtype))
            if alike.any() and not alike.all():
                sets[f"{name}-distinct"] = near | _told_apart(test, logits[~alike], temperature)
    return found


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


def _read(run: Run, name: str) -> tuple[Tensor, Tensor]:
    path = run.predictions(name)
    arrays = read_predictions(path)
    logits, targets = torch.from_numpy(arrays["logits"]), torch.from_numpy(arrays["targets"])
    if bad := int((logits.isnan() | logits.isposinf()).any(1).sum()):
        raise RunError(
            f"{path}: the logits of {bad} of {len(logits)} samples are NaN or infinite, so the training has diverged"
        )
    return logits, targets


def _temperature(run: Run, logits: Tensor, targets: Tensor) -> float:
    try:
        return fit_temperature(logits, targets)
    except ValueError as error:
        raise RunError(f"{run.predictions('val')}: no temperature can be fitted, {error}") from error


def _scored(logits: Tensor, targets: Tensor, temperature: float | None, bins: int) -> Scores:
    scores = _scores(logits, targets, bins)
    if temperature is not None:
        scores["scaled"] = _scores(logits.double() / temperature, targets, bins)
    return scores


def _scores(logits: Tensor, targets: Tensor, bins: int) -> Scores:
    scores: Scores = scores_of(logits, targets, bins)
    n, errors = int(scores["n"]), int(scores["errors"])
    return {**scores, "acc": 1 - errors / n, "errors": errors, "n": n}


def _told_apart(inside: Tensor, outside: Tensor, temperature: float | None) -> Scores:
    found: Scores = {"n": len(outside), **_detected(inside, outside)}
    if temperature is not None:
        found["scaled"] = _detected(inside.double() / temperature, outside.double() / temperature)
    return found


def _detected(inside: Tensor, outside: Tensor) -> Scores:
    told = {name: ood_metrics(score(inside), score(outside)) for name, score in OOD_SCORES.items()}
    return {**told, "overconfident": overconfident_share(outside)}
