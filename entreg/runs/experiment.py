"""Which experiment a run is, and what may change of its config while it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from entreg.runs.former import WARP
from entreg.runs.history import history_of, lasting

TRAINING_DATA = "training data (fingerprint)"
BATCHNORM_PARTS = "parts of a batch (BatchNorm)"
EPOCHS_BY_START = "max_epochs (of each start)"
OF_TRAINING = (TRAINING_DATA, BATCHNORM_PARTS, EPOCHS_BY_START)  # what the summary says, not the config

_Values = Mapping[str, Any]

# No part of an experiment, so that it may change when a run goes on: names and places, devices and how they compute,
# loggers, what is evaluated at the end, and how a run is reported.
_FREE = (
    *(
        "name",
        "runs",
        "run",
        "id",
        "config",
        "ckpt_path",
        "trust",
        "weights_only",
        "evaluate",
        "figures",
        "observe",
        "metrics",
    ),
    *("data.init_args.root", "data.init_args.num_workers", "data.init_args.eval_batch_size"),
    *("data.init_args.on_device", "data.init_args.max_resident_bytes"),
    *("data.init_args.ood", "data.init_args.shift", "data.init_args.corruptions"),
    *("trainer.accelerator", "trainer.devices", "trainer.num_nodes", "trainer.strategy"),
    *("trainer.benchmark", "trainer.deterministic", "trainer.detect_anomaly", "model.compile", "model.graph"),
    *("trainer.limit_test_batches", "trainer.limit_predict_batches"),
    *("trainer.logger", "trainer.default_root_dir", "trainer.log_every_n_steps", "trainer.profiler"),
    *("trainer.enable_progress_bar", "trainer.enable_model_summary", "checkpoint.every_n_steps", "checkpoint.keep"),
)
# What tells the runs of one experiment apart; it stays as it is when a run goes on.
_SEEDS = ("seed_everything", "data.init_args.seed")
# What a config means that lacks a key, as it was written before there was one; where nothing stands here, null.
_WHEN_ABSENT = {
    "checkpoint.monitor": "val/acc",
    "checkpoint.mode": "max",
    "data.init_args.damage.label_noise": 0.0,
    "data.init_args.damage.noise": "symmetric",
    "data.init_args.damage.imbalance": 1.0,
    "data.init_args.damage.fraction": 1.0,
    "data.init_args.damage.seed": 0,
}
_AUGMENT = "data.init_args.augment"


def arm_of(config: _Values, summary: _Values) -> str:
    """Hash of what makes runs the seeds of one experiment, :func:`experiment`; its first 12 hex digits.

    Args:
        config: content of a run's config.yaml.
        summary: content of its summary.json; the ``arm`` in it is not looked at.

    Example:
        >>> configs = [{"seed_everything": seed, "model": {"loss_lr": 0.1}} for seed in (1, 2)]
        >>> arm_of(configs[0], {}) == arm_of(configs[1], {})
        True
        >>> arm_of(configs[0], {"data": {"train": "8afb42db"}}) == arm_of(configs[1], {"data": {"train": "0e8df527"}})
        False
    """
    found = experiment(config, summary)
    counted = {key: value for key, value in found.items() if value != _WHEN_ABSENT.get(key)}  # no new key changes it
    if counted.get(f"{_AUGMENT}.class_path") == WARP:  # its options alone stood in a config then
        counted.pop(f"{_AUGMENT}.class_path")
        counted = {key.replace(f"{_AUGMENT}.init_args.", f"{_AUGMENT}."): value for key, value in counted.items()}
    return hashlib.sha256(_plain(counted).encode()).hexdigest()[:12]


def experiment(config: _Values, summary: _Values = MappingProxyType({})) -> dict[str, Any]:
    """Return what makes runs the seeds of one experiment, by dotted key.

    It is the config without seed, names, places, devices, loggers and reports, and, from the summary,

    * the fingerprint of the training data, which is that of inputs, labels and split, and the same for all seeds;
    * the number of parts that each batch was cut into for BatchNorm, where it was (:class:`entreg.runs.history.Start`);
    * of a run that was prolonged, every ``max_epochs`` that it was trained towards: a schedule was laid out for each.

    A key that the config lacks, as it is older, has the value here that was meant then, and null is left out, so that
    runs of before and after there was a key are of one experiment. Where an older summary says nothing, the training
    data are unknown, which is told apart from any that are known, and it was one process, never prolonged.

    Example:
        >>> found = experiment({"seed_everything": 1, "model": {"loss_lr": 0.1, "schedule": None}})
        >>> [found.get(key) for key in ("seed_everything", "model.loss_lr", "model.schedule", "checkpoint.monitor")]
        [None, 0.1, None, 'val/acc']
    """
    counted = {key: value for key, value in _flat(config) if not _is_under(key, (*_FREE, *_SEEDS))}
    found = _WHEN_ABSENT | counted | _of_training(summary, counted.get("trainer.max_epochs"))
    return {key: value for key, value in found.items() if value is not None}


def changes(before: _Values, after: _Values) -> dict[str, tuple[Any, Any]]:
    """Return every key in which two configs differ, and both values as JSON has them.

    Example:
        >>> changes({"seed_everything": 1, "runs": "a"}, {"seed_everything": 2, "runs": "a"})
        {'seed_everything': (1, 2)}
    """
    ours, theirs = dict(_flat(before)), dict(_flat(after))
    plain = {key: (_plain(ours.get(key)), _plain(theirs.get(key))) for key in {**ours, **theirs} if key != "config"}
    return {key: (json.loads(one), json.loads(other)) for key, (one, other) in plain.items() if one != other}


def is_free(key: str) -> bool:
    """Whether a key is no part of an experiment, so that it may change when a run goes on.

    Example:
        >>> [is_free(key) for key in ("trainer.devices", "model.loss_lr", "seed_everything")]
        [True, False, False]
    """
    return _is_under(key, _FREE)


def _of_training(summary: _Values, max_epochs: Any) -> dict[str, Any]:
    """What the summary says of the training that the config does not."""
    data, starts = summary.get("data"), lasting(history_of(summary), summary.get("steps"))
    parts = list(dict.fromkeys(start.get("batchnorm_parts", 1) for start in starts))
    epochs = list(dict.fromkeys(start.get("max_epochs") for start in starts))
    return {
        TRAINING_DATA: data.get("train") if isinstance(data, Mapping) else None,
        BATCHNORM_PARTS: parts if parts not in ([], [1]) else None,
        EPOCHS_BY_START: epochs if epochs not in ([], [max_epochs]) else None,
    }


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=_named)


def _named(value: Any) -> str:
    """Name a function by where it is defined: its text holds an address, another one in each process."""
    return f"{value.__module__}.{value.__qualname__}" if hasattr(value, "__qualname__") else str(value)


def _flat(content: _Values, prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if key == "__path__":  # jsonargparse's note of the file it has read
            continue
        if isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            value = {str(i): item for i, item in enumerate(value)}
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _is_under(key: str, prefixes: tuple[str, ...]) -> bool:
    return any(key == prefix or key.startswith(f"{prefix}.") for prefix in prefixes)
