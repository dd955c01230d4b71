"""The values that trials take: the cells of a grid, draws of a sampler, and their form on the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import optuna

from entreg.sweep.config import Range, Sweep, Value


def cells(sweep: Sweep) -> Iterator[dict[str, Value]]:
    """All combinations of a grid, the last parameter fastest.

    Example:
        >>> list(cells(Sweep("a", {"x": [1, 2], "y": [True]})))
        [{'x': 1, 'y': True}, {'x': 2, 'y': True}]
    """
    lists = [values for values in sweep.parameters.values() if not isinstance(values, Range)]
    for combination in product(*lists):
        yield dict(zip(sweep.parameters, combination, strict=True))


def sampler(sweep: Sweep, number: int) -> optuna.samplers.BaseSampler:
    """Sampler of the trial with this number: its draws do not depend on which worker makes them."""
    if sweep.sampler == "tpe":
        return optuna.samplers.TPESampler(seed=sweep.seed + number, n_startup_trials=10)
    return optuna.samplers.RandomSampler(seed=sweep.seed + number)


def suggest(sweep: Sweep, trial: optuna.Trial) -> None:
    """Give a trial its values; what it has already, it keeps."""
    for key, values in sweep.parameters.items():
        if not isinstance(values, Range):
            trial.suggest_categorical(key, values)
        elif isinstance(values.low, int) and isinstance(values.high, int):
            trial.suggest_int(key, values.low, values.high, log=values.log)
        else:
            trial.suggest_float(key, values.low, values.high, log=values.log)


def arguments(sweep: Sweep, values: dict[str, Any]) -> list[str]:
    """Command line of ``entreg fit`` for a trial's values.

    Example:
        >>> arguments(Sweep("a", {"x": [1]}, options={"y": None}), {"x": True})
        ['--y', 'null', '--x', 'true']
    """
    configs = [word for path in sweep.fit for word in ("--config", path.absolute)]
    given = {**sweep.options, **values}
    return configs + [word for key, value in given.items() for word in _words(key, _written(value))]


def described(values: Mapping[str, Any]) -> str:
    """Name a choice of values by them, each key by as much of its end as tells it from the others.

    Example:
        >>> described({"model.loss": "mix_ent", "model.optimizer.lr": 0.00123456, "model.loss.lr": 0.1})
        'loss=mix_ent optimizer.lr=0.001235 loss.lr=0.1'
    """
    said = []
    for key, value in values.items():
        ends = [key.split(".", depth)[-1] for depth in range(key.count("."), -1, -1)]
        alone = (end for end in ends if not any(f".{other}".endswith(f".{end}") for other in values if other != key))
        said.append(f"{next(alone, key)}={f'{value:.4g}' if isinstance(value, float) else value}")
    return " ".join(said)


def _words(key: str, written: str) -> list[str]:
    """What begins with a dash, as a small negative number does, would be taken for an option of its own."""
    return [f"--{key}={written}"] if written.startswith("-") else [f"--{key}", written]


def _written(value: Value) -> str:
    return value if isinstance(value, str) else json.dumps(value)
