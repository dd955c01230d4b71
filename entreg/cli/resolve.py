"""What a config leaves open, filled in for this machine, this launch and these data."""

from __future__ import annotations

import importlib
from pathlib import Path

from jsonargparse import Namespace

from entreg.cli.machine import best_accelerator, best_precision, sync_batchnorm
from entreg.cluster import launch
from entreg.data import data_root
from entreg.errors import ConfigError
from entreg.losses import name_of


def fill_in(config: Namespace, stored: Namespace | None) -> None:
    """Resolve what belongs to the experiment: accelerator, precision, the place of the data, image size.

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
    _tell_image_size(config)


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


def _tell_image_size(config: Namespace) -> None:
    """Tell a network that has to know it the size of the images, where the data say it and the user does not."""
    net = config.model.net.get("init_args", {}) if isinstance(config.model.net, Namespace) else {}
    if net.get("image_size", 0) is None:
        module, _, name = config.data.class_path.rpartition(".")
        declared = getattr(importlib.import_module(module), name).image_size
        net["image_size"] = config.data.init_args.get("image_size") or declared
