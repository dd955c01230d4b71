"""Where numbers come from: which experiment a config is, and which versions and commit ran it."""

from __future__ import annotations

import hashlib
import importlib.metadata
import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

from entreg.version import __version__

# What may differ between two runs of one experiment: seed, places, loggers, devices, and how a run is reported.
_NOT_COUNTED = (
    "seed_everything",
    "name",
    "runs",
    "run",
    "id",
    "trust",
    "evaluate",
    "figures",
    "config",
    "ckpt_path",
    "weights_only",
    "data.init_args.root",
    "data.init_args.num_workers",
    "data.init_args.eval_batch_size",
    "data.init_args.seed",
    "data.init_args.ood",
    "data.init_args.shift",
    "data.init_args.corruptions",
    "data.init_args.on_device",
    "data.init_args.max_resident_bytes",
    "trainer.accelerator",
    "trainer.devices",
    "trainer.num_nodes",
    "trainer.strategy",
    "trainer.logger",
    "trainer.default_root_dir",
    "trainer.enable_progress_bar",
    "trainer.log_every_n_steps",
    "checkpoint.every_n_steps",
    "checkpoint.keep",
    "model.graph",
    "observe",
    "metrics",
)
# How the machine computes is no part of an experiment either; what earlier runs counted is counted still.
_COUNTED_AS = {"model.compile": False}


def config_hash(config: Mapping[str, Any]) -> str:
    """Hash of what makes runs seeds of one experiment: the config without seed, places, loggers and devices.

    Example:
        >>> first, second = ({"seed_everything": seed, "model": {"lr": 0.1}} for seed in (1, 2))
        >>> config_hash(first) == config_hash(second)
        True
    """
    return hashlib.sha256(json.dumps(experiment(config), sort_keys=True, default=_named).encode()).hexdigest()[:12]


def experiment(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return what :func:`config_hash` counts: the values of the config by dotted key.

    Example:
        >>> experiment({"seed_everything": 1, "model": {"lr": 0.1}})
        {'model.lr': 0.1}
    """
    counted = {key: value for key, value in _flatten(config) if not _is_under(key, _NOT_COUNTED)}
    return {key: _COUNTED_AS.get(key, value) for key, value in counted.items()}


def first_difference(config: Mapping[str, Any], other: Mapping[str, Any]) -> str | None:
    """Name the first key in which two configs are not one run of one experiment; ``None`` if they are.

    Example:
        >>> first_difference({"seed_everything": 1, "runs": "a"}, {"seed_everything": 2, "runs": "b"})
        'seed_everything'
    """
    ours, theirs = ({"seed_everything": c.get("seed_everything"), **experiment(c)} for c in (config, other))
    different = (key for key in {**ours, **theirs} if _plain(ours.get(key)) != _plain(theirs.get(key)))
    return next(different, None)


def _plain(value: Any) -> str:
    return json.dumps(value, sort_keys=True, default=_named)


def _named(value: Any) -> str:
    """Name a function by where it is defined: its text holds an address, another one in each process."""
    return f"{value.__module__}.{value.__qualname__}" if hasattr(value, "__qualname__") else str(value)


def environment() -> dict[str, Any]:
    """Versions of what the numbers depend on, and the commit of the working directory if it is in git."""
    packages = ("torch", "torchvision", "lightning", "torchmetrics", "numpy")
    versions = {name: importlib.metadata.version(name) for name in packages}
    return {"versions": {"entreg": __version__, **versions}, "git_commit": _git_commit()}


def _git_commit() -> str | None:
    try:
        git = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    except FileNotFoundError:  # no git on this machine
        return None
    return git.stdout.strip() or None


def _flatten(content: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in content.items():
        if key == "__path__":  # jsonargparse's note of the file it has read
            continue
        if isinstance(value, Mapping) and value:
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _is_under(key: str, prefixes: tuple[str, ...]) -> bool:
    return any(key == prefix or key.startswith(f"{prefix}.") for prefix in prefixes)
