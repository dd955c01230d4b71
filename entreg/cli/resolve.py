"""What a config leaves open, filled in for this machine, this launch and these data."""

from __future__ import annotations

import importlib
import json
from typing import Any

from jsonargparse import Namespace

from entreg.cli.machine import best_accelerator, best_precision, is_cuda, sync_batchnorm
from entreg.cli.naming import default_name
from entreg.cluster import check_id, launch, launch_id
from entreg.data import data_root
from entreg.errors import ConfigError
from entreg.runs import Run, new_run, open_run, run_folders
from entreg.runs.experiment import changes, is_free

_VALUES = (int, float, str, tuple, list)  # that a data module may declare


def find_run(config: Namespace) -> Run:
    """Return the run that is asked for, the one that this launch has begun before, or a new one.

    An id that is given without a name is that of one run, whatever it is called: with options that make it another
    experiment the run is found, and refused, instead of a second one with its id being made.
    """
    if config.run is not None:
        return open_run(config.run)
    run_id = check_id(config.id) if config.id else launch_id()
    if config.id and not config.name:
        begun = [run for run in map(Run, run_folders(config.runs)) if run.id == run_id]
        if len(begun) == 1:
            return begun[0]
    return new_run(config.runs, config.name or default_name(config), run_id)


def check_same(
    run: Run, stored: Namespace | None, resolved: Namespace, command: str, by_id: bool
) -> dict[str, tuple[Any, Any]]:
    """Refuse to go on with a run as another experiment; return what is changed, by dotted key, from what to what.

    Only what is no part of an experiment may change (:func:`entreg.runs.experiment.is_free`), and ``fit --run`` may
    raise ``trainer.max_epochs``. The run is another experiment then, and no run that had as many epochs from its start:
    a schedule is laid out for the new length from there on, so that the rate of a one-cycle jumps to where a run of
    that length would be, up again if the first cycle had ended, as the progress does that schedules of losses follow;
    one of torch's own keeps the length that it was begun with. Fewer epochs are refused whether they have been trained
    or not: what has been was laid out for more.

    Args:
        run: the run.
        stored: its config; ``None`` of a new run, of which nothing is.
        resolved: of the command.
        command: ``validate`` and ``test`` may change all of the trainer, which trains nothing.
        by_id: whether the run was found by its id, under which a job is started again with the same command.

    Raises:
        ConfigError: naming the first key that may not change, and both values.
    """
    if stored is None:
        return {}
    found = changes(stored.as_dict(), resolved.as_dict())
    for key, (before, after) in found.items():
        prolonged = key == "trainer.max_epochs" and not by_id and 0 < (before or 0) < (after or 0)
        if is_free(key) or prolonged or (command != "fit" and key.startswith(("trainer.", "checkpoint."))):
            continue
        option, was, is_now = key.replace(".init_args", ""), json.dumps(before), json.dumps(after)
        if by_id:
            instead = f"give another --id, or go on with it as it is: entreg fit --run {run.path}"
        elif key == "trainer.max_epochs":
            instead = "it can be prolonged, not shortened: leave the option out, or start another run without --run"
        else:
            instead = "leave the option out, or start another run without --run"
        raise ConfigError(f"{run.path}: this run was begun with {option} {was}, not {is_now}; {instead}")
    return found


def fill_in(config: Namespace, stored: Namespace | None) -> None:
    """Resolve what belongs to the experiment: accelerator, precision, place of the data, what the net asks for.

    Args:
        config: of the command, changed in place.
        stored: config of the run if it has begun; precision stays as it was, whatever the machine.
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
    """Resolve what belongs to this process alone, and no run's config.yaml keeps: devices, nodes, BatchNorm, callbacks.

    Devices and nodes are those of ``torchrun`` or ``srun`` where the config leaves them open.
    """
    trainer, found = config.trainer, launch()
    if found is not None and trainer.devices == "auto":
        trainer.devices, trainer.num_nodes = found
    for callback in as_list(trainer.get("callbacks")):
        _fit_callback(callback.class_path.rpartition(".")[2], callback.get("init_args", {}), trainer.accelerator)
    trainer.sync_batchnorm = sync_batchnorm(trainer.sync_batchnorm, trainer.accelerator, new=config.run is None)


def _fit_callback(name: str, given: Namespace, accelerator: str) -> None:
    """Fill in what a callback of Lightning's leaves open and gets wrong by itself.

    Early stopping is to look at a metric of validation when that ends: for a training that goes on from there the end
    of the epoch brings no metrics. An average of weights is to lie where the network is, which is not yet on the GPU
    when the average is made.
    """
    of_validation = str(given.get("monitor")).startswith("val/")
    if name == "EarlyStopping" and of_validation and given.get("check_on_train_epoch_end", False) is None:
        given["check_on_train_epoch_end"] = False
    if name.endswith("WeightAveraging") and given.get("device", "") is None and is_cuda(accelerator):
        given["device"] = "cuda"


def as_list(value: Any) -> list[Any]:
    """Return what a config gives as a list, one thing, nothing, or a switch, as a list."""
    if value is None or isinstance(value, bool):
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def integer_seed(seed: Any) -> int:
    """Return ``seed_everything``, which Lightning lets be a switch too, as a seed of the data.

    Raises:
        ConfigError: if it is no integer.
    """
    if isinstance(seed, bool) or not isinstance(seed, int):
        raise ConfigError(f"seed_everything is {seed}: every run has a seed, give an integer")
    return seed


def _tell_net(config: Namespace) -> None:
    """Fill in what a network has to know and the user leaves open, where the data declare it by the same name.

    So a network with an argument ``image_size`` is told the size of the images. What is no plain value, as a property,
    declares nothing.
    """
    net = config.model.net.get("init_args", {}) if isinstance(config.model.net, Namespace) else {}
    module, _, name = config.data.class_path.rpartition(".")
    for key in [key for key, value in net.items() if value is None]:
        declared = getattr(getattr(importlib.import_module(module), name), key, None)
        net[key] = config.data.init_args.get(key) or (declared if isinstance(declared, _VALUES) else None)
