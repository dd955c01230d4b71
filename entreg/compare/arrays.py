"""The comparison for predictions that are arrays in memory, of any training: no run folders, no trainer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from entreg.compare.failures import Failure
from entreg.compare.result import Result
from entreg.compare.study import Study
from entreg.errors import ConfigError, DataError
from entreg.metrics.checks import IGNORE_INDEX, check_logits, check_predictions
from entreg.runs import Run
from entreg.runs.scoring import DEFAULT_BINS, temperature_of
from entreg.runs.set_name import TEST, VAL, SetKind, SetName

Logits: TypeAlias = "ArrayLike | Tensor | None"
Seeds: TypeAlias = Mapping[int, Logits] | Sequence[Logits]
Predictions: TypeAlias = Mapping[SetName, tuple[Tensor, Tensor]]

_NO_TARGETS = torch.zeros(0, dtype=torch.long)


def study_of(
    logits: Mapping[str, Seeds],
    targets: ArrayLike | Tensor,
    *,
    validation: tuple[Mapping[str, Seeds], ArrayLike | Tensor] | None = None,
    ood: Mapping[str, Mapping[str, Seeds]] | None = None,
    bins: int = DEFAULT_BINS,
) -> Study:
    """Sort logits into a study, as :func:`entreg.compare.read_study` does with run folders.

    Args:
        logits: see :func:`entreg.compare.compare_arms`, as the rest.
        targets: of the test samples.
        validation: logits and targets on validation.
        ood: logits on samples of other classes, by name of the set.
        bins: of the calibration errors.

    Raises:
        DataError: if something is missing, or of another shape or type, or not finite.
        ConfigError: if ``bins`` is no number of bins.
    """
    if not isinstance(bins, int) or bins < 1:
        raise ConfigError(f"bins {bins!r}: expected a whole number >= 1")
    known = [(TEST, logits, targets)] if validation is None else [(VAL, *validation), (TEST, logits, targets)]
    if any(not isinstance(name, str) or not name for name in ood or ()):
        raise DataError("ood-set: a name is empty or no text, expected one such as 'digits'")
    outside = [(SetName(SetKind.OOD, name), by_arm, None) for name, by_arm in (ood or {}).items()]
    sets = [(name, _by_seed(name, by_arm), _targets(name, labels)) for name, by_arm, labels in [*known, *outside]]
    if not logits:
        raise DataError("logits hold no arm: expected a mapping such as {'cross_entropy': [seed_0, seed_1], ...}")
    for name, by_arm, _ in sets:
        if surplus := by_arm.keys() - logits.keys():
            raise DataError(
                f"{name.stem} logits of {min(surplus)!r}: no such arm on test, expected {', '.join(logits)}"
            )
    arms: dict[str, list[Result]] = {}
    failures: dict[str, list[Failure]] = {}
    for arm, seeds in _by_seed(TEST, logits).items():
        for seed, of_run in sorted(seeds.items()):
            run = Run(Path(arm, str(seed)))  # a name, of which nothing is read
            if of_run is None:
                failures.setdefault(arm, []).append(Failure(run, seed, "unfinished", {}))
                continue
            found = {name: _read(name, by_arm, labels, arm, seed) for name, by_arm, labels in sets}
            arms.setdefault(arm, []).append(_result(run, arm, seed, found, bins))
        if arm not in arms:
            raise DataError(f"arm {arm!r} has no logits: expected those of at least one seed, leave the arm out")
    _check_classes(arms)
    return Study(arms, {}, failures=failures)


def _result(run: Run, arm: str, seed: int, predictions: Predictions, bins: int) -> Result:
    """Return a finished run of which all that is known is what it predicts."""
    logits, targets = predictions[TEST]
    scores: dict[str, Any] = {"test": {"n": len(targets)}, "ood": {}}
    if VAL in predictions and (temperature := temperature_of(*predictions[VAL])) is not None:
        scores["temperature"] = temperature
    scores["ood"] = {name.name: {} for name in predictions if name.kind is SetKind.OOD}
    summary = {"seed": seed, "loss": arm, "classes": list(map(str, range(logits.shape[1])))}
    return Result(run, arm, summary, {"model.loss.class_path": arm}, {}, bins, scores, predictions)


def _by_seed(name: SetName, by_arm: Mapping[str, Seeds]) -> dict[str, dict[int, Logits]]:
    """Number the seeds of those arms whose logits are in a row."""
    if not isinstance(by_arm, Mapping):
        raise DataError(f"{name.stem}: expected logits by name of the arm, {{'cross_entropy': [seed_0, ...]}}")
    found = {
        arm: dict(seeds) if isinstance(seeds, Mapping) else dict(enumerate(seeds)) for arm, seeds in by_arm.items()
    }
    for arm, runs in found.items():
        if not isinstance(arm, str) or not arm:
            raise DataError(f"{name.stem}: arm {arm!r}, expected a name such as 'cross_entropy'")
        for seed in runs:
            if not isinstance(seed, int | np.integer):
                raise DataError(f"{name.stem} logits of {arm!r}: seed {seed!r}, expected a whole number")
    return found


def _targets(name: SetName, labels: ArrayLike | Tensor | None) -> Tensor | None:
    if labels is None:
        return None
    try:
        return _tensor(labels)
    except (TypeError, ValueError) as error:
        raise DataError(f"targets of {name.stem} are no array of class indices: {error}") from error


def _read(
    name: SetName, by_arm: Mapping[str, Mapping[int, Logits]], labels: Tensor | None, arm: str, seed: int
) -> tuple[Tensor, Tensor]:
    """Return a run's logits, float32 at least, and targets on a set.

    Raises:
        DataError: if there are none, or they are not what they should be.
    """
    where = f"{name.stem} logits of {arm!r}, seed {seed}"
    given = by_arm.get(arm, {}).get(seed)
    if given is None:
        raise DataError(f"{where}: absent, expected an array for every run that has logits on test")
    try:
        logits = _tensor(given)
        if logits.is_floating_point():
            logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if labels is None:
            check_logits(logits)
            targets = _NO_TARGETS
        else:
            count = len(logits)
            logits, targets = check_predictions(logits, labels)
            if len(logits) < count:
                raise ValueError(
                    f"{count - len(logits)} of {count} targets are {IGNORE_INDEX}; leave these samples out"
                )
    except (TypeError, ValueError) as error:
        raise DataError(f"{where}: {error}") from error
    if len(logits) < 2:
        raise DataError(f"{where}: one sample, of which nothing can be said; expected two or more")
    if labels is not None and not logits.gather(1, targets[:, None]).isfinite().all():
        raise DataError(f"{where}: the logit of a target is -inf, so its NLL is infinite; expected finite ones")
    return logits, targets


def _tensor(given: ArrayLike | Tensor) -> Tensor:
    """Copy what NumPy reads as an array, of any strides and byte order, pandas' included."""
    if isinstance(given, Tensor):
        return given.detach().cpu()
    array = np.asarray(given)
    return torch.from_numpy(np.array(array, dtype=array.dtype.newbyteorder("=")))


def _check_classes(arms: Mapping[str, Sequence[Result]]) -> None:
    """Raise :class:`DataError` unless all runs have the same classes everywhere, and the same samples of each set."""
    shapes: dict[SetName, tuple[str, torch.Size]] = {}
    for result in (result for arm in arms.values() for result in arm):
        for name, (logits, _) in result.predictions.items():
            where = f"{name.stem} logits of {result.arm!r}, seed {result.seed}"
            first, shape = shapes.setdefault(name, (where, logits.shape))
            if logits.shape != shape:
                raise DataError(f"{where}: shape {tuple(logits.shape)}, expected {tuple(shape)}, that of {first}")
            if shape[1] != (classes := result.predictions[TEST][0].shape[1]):
                raise DataError(f"{where}: {shape[1]} classes, expected {classes}, those of its logits on test")
