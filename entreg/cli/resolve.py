"""What a config leaves open, filled in for this machine, this launch and these data."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from jsonargparse import Namespace

from entreg.cli.machine import best_accelerator, best_precision, sync_batchnorm
from entreg.cluster import check_id, launch, launch_id
from entreg.data import data_root
from entreg.errors import ConfigError
from entreg.losses import name_of
from entreg.runs import Run, new_run, open_run
from entreg.runs.provenance import first_difference


def find_run(config: Namespace) -> Run:
    """Return the run that is asked for, the one that this launch has begun before, or a new one."""
    if config.run is not None:
        return open_run(config.run)
    return new_run(config.runs, config.name, check_id(config.id) if config.id else launch_id())


def check_same(run: Run, stored: Namespace, resolved: Namespace) -> None:
    """Refuse to go on with a run under its id where the config is another.

    Raises:
        ConfigError: naming the first key that differs.
    """
    if key := first_difference(stored.as_dict(), resolved.as_dict()):
        raise ConfigError(
            f"{run.path}: this run was begun with another {key}; give another --id, or go on with it as it is: "
            f"entreg fit --run {run.path}"
        )


def fill_in(config: Namespace, stored: Namespace | None) -> None:
    """Resolve what belongs to the experiment: accelerator, precision, place of the data, what the net asks for.

    Args:
        config: of the command, changed in place.
        stored: config of the run if it is resumed under its id; precision stays as it was, whatever the machine.
    """
    trainer = config.trainer
    if stored is not None:
        trainer.precision = trainer.precision or stored.trainer.precision
    trainer.accelerator = best_accelerator(trainer.accelerator)
    trainer.precision = trainer.precision or best_precision(trainer.accelerator)
    if "root" in config.data.init_args:
        config.data.init_args.root = str(data_root(config.data.init_args.root).absolute())
    _tell_net(config)


def fit_to_machine(config: Namespace) -> None:
    """Resolve what belongs to this process alone, and no run's config.yaml keeps: devices, nodes, BatchNorm.

    Devices and nodes are those of ``torchrun`` or ``srun`` where the config leaves them open.
    """
    trainer, found = config.trainer, launch()
    if found is not None and trainer.devices == "auto":
        trainer.devices, trainer.num_nodes = found
    trainer.sync_batchnorm = sync_batchnorm(trainer.sync_batchnorm, trainer.accelerator, new=config.run is None)


def check_validation(config: Namespace) -> None:
    """Refuse a training that would never validate, where it is to end with the checkpoint chosen on validation.

    Raises:
        ConfigError: if no validation is left.
    """
    trainer = config.trainer
    too_short = 0 < (trainer.max_epochs or 0) < (trainer.check_val_every_n_epoch or 1)
    never = trainer.limit_val_batches == 0 or too_short
    if config.evaluate and never and not trainer.fast_dev_run:
        raise ConfigError(
            "fit ends with the checkpoint chosen on validation, and the trainer's options leave no validation: "
            "change trainer.limit_val_batches or check_val_every_n_epoch, or add --evaluate false"
        )


def default_name(config: Namespace) -> str:
    """Name of a run that has none: those of its config files, else of its loss."""
    stems = [Path(str(path)).stem for path in config.config or []]
    return "-".join(stems) or name_of(config.model.loss.class_path)


def as_list(value: Any) -> list[Any]:
    """Return what a config gives as a list, one thing, nothing, or a switch, as a list."""
    if value is None or isinstance(value, bool):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _tell_net(config: Namespace) -> None:
    """Fill in what a network has to know and the user leaves open, where the data declare it by the same name.

    So a network with an argument ``image_size`` is told the size of the images.
    """
    net = config.model.net.get("init_args", {}) if isinstance(config.model.net, Namespace) else {}
    module, _, name = config.data.class_path.rpartition(".")
    for key in [key for key, value in net.items() if value is None]:
        declared = getattr(getattr(importlib.import_module(module), name), key, None)
        net[key] = config.data.init_args.get(key) or declared
