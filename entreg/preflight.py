"""What is refused before training: a network or a loss that does not fit the data, each in one line."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeVar

import torch
import torch.nn.functional as F
from lightning.pytorch import LightningModule, Trainer
from torch import Tensor, nn

from entreg.data.attached import datamodule_of
from entreg.errors import ConfigError

Made = TypeVar("Made")


class Task(NamedTuple):
    """What the data ask of a network and of a loss.

    Attributes:
        num_classes: number of classes C.
        in_channels: size of an input's first dimension.
        input_shape: shape of one input; ``None`` where no data module says it.
        soft_targets: whether training targets are probabilities.
        is_single: whether a process has one sample a step, and BatchNorm sees no others.
        training_shape: shape of one training input where that is another, as of crops.
    """

    num_classes: int
    in_channels: int
    input_shape: tuple[int, ...] | None
    soft_targets: bool
    is_single: bool = False
    training_shape: tuple[int, ...] | None = None


def task_of(model: LightningModule, num_classes: int | None, in_channels: int | None) -> Task:
    """Return what the data of the model's trainer ask for, and, where they do not say it, what is configured.

    Args:
        model: attached to a trainer or not.
        num_classes: ``model.num_classes`` of the config.
        in_channels: ``model.in_channels`` of the config.

    Raises:
        ConfigError: if config and data disagree, or neither says a number.
    """
    try:
        data = datamodule_of(model.trainer)
    except RuntimeError:  # not attached to a trainer
        data = None
    return Task(
        _agreed("num_classes", num_classes, data),
        _agreed("in_channels", in_channels, data),
        getattr(data, "input_shape", None),
        getattr(data, "soft_targets", False),
        data is not None and _is_single(model.trainer, getattr(data, "batch_size", None)),
        getattr(data, "training_shape", None),
    )


def _is_single(trainer: Trainer, batch_size: int | None) -> bool:
    synchronised = trainer.world_size > 1 and trainer.strategy.root_device.type == "cuda"
    return trainer.training and batch_size == trainer.world_size and not synchronised


def _agreed(key: str, configured: int | None, data: Any) -> int:
    """Return the value of ``key`` on which config and data agree, or the one that is there."""
    found: int | None = getattr(data, key, None)
    if configured is None:
        if found is None:
            raise ConfigError(f"{key} is unknown: the data module has no attribute {key}, set model.{key}")
        return found
    if found not in (None, configured):
        raise ConfigError(f"model.{key} is {configured}, but {type(data).__name__} has {found}: leave model.{key} out")
    return configured


def made(key: str, make: Callable[..., Made], *args: Any) -> Made:
    """Call a factory of the config.

    Raises:
        ConfigError: with what it says of its arguments, which are the user's to mend.
    """
    try:
        return make(*args)
    except (ValueError, TypeError, OSError) as error:  # the last of weights that cannot be downloaded
        raise ConfigError(f"model.{key}: {' '.join(str(error).split())}") from error


def check_net(net: nn.Module, task: Task) -> None:
    """Try a network on two inputs; without data to say their shape there is nothing to try.

    Raises:
        ConfigError: if it cannot take them, or does not give logits ``(N, C)``.
    """
    if task.input_shape is None:
        return
    training_shape = task.training_shape or task.input_shape
    modes = {module: module.training for module in net.modules()}  # some may be frozen
    net.eval()
    logits = [_tried(net, shape) for shape in {task.input_shape, training_shape}]
    for module, training in modes.items():
        module.training = training
    if task.is_single:
        _check_single(net, training_shape)
    for given in logits:
        if given.shape != (2, task.num_classes):
            raise ConfigError(
                f"model.net: {type(net).__name__} gives {tuple(given.shape)} for 2 inputs, expected logits "
                f"(2, {task.num_classes})"
            )


def _tried(net: nn.Module, shape: tuple[int, ...]) -> Tensor:
    try:
        with torch.no_grad():
            logits: Tensor = net(torch.zeros(2, *shape))
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"model.net: {type(net).__name__} cannot take inputs of {'x'.join(map(str, shape))} ({error}); "
            "if it has a size (image_size), set it, else choose another network"
        ) from error
    return logits


def _check_single(net: nn.Module, input_shape: tuple[int, ...]) -> None:
    try:
        with torch.no_grad():
            copy.deepcopy(net).train()(torch.zeros(1, *input_shape))
    except ValueError as error:
        raise ConfigError(
            f"data.batch_size leaves a process one sample a step, which {type(net).__name__} cannot be trained on "
            f"({error}): give two or more"
        ) from error


def check_loss(loss: nn.Module, task: Task) -> None:
    """Try a copy of a loss on two samples.

    Raises:
        ConfigError: if it does not fit the classes or the kind of target, or gives no single number.
    """
    with torch.no_grad(), torch.device("cpu"):  # Lightning builds on the device, where the loss is not yet
        tried = copy.deepcopy(loss).cpu()
        logits, target = torch.zeros(2, task.num_classes, dtype=torch.float32), torch.tensor([0, 1])
        value = made("loss", tried, logits, target)
        if task.soft_targets:
            try:
                tried(logits, F.one_hot(target, task.num_classes).float())
            except (ValueError, TypeError, RuntimeError) as error:
                raise ConfigError(
                    f"data.mix: mixed samples have probabilities for targets, which {type(loss).__name__} does not "
                    f"take ({error}); leave data.mix out or choose another model.loss"
                ) from error
    if not isinstance(value, Tensor) or value.ndim:
        given = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else f"a {type(value).__name__}"
        raise ConfigError(
            f"model.loss: training needs one number, {type(loss).__name__} gives {given}: "
            "set model.loss.reduction to mean or sum"
        )


def first_mismatch(expected: Mapping[str, Tensor], found: Mapping[str, Tensor]) -> str | None:
    """Say in words where two state dicts first differ in names or shapes; ``None`` if nowhere."""
    for name in expected:
        if name not in found:
            return f"it has no {name}"
        if expected[name].shape != found[name].shape:
            return f"{name} is {tuple(found[name].shape)} in it, expected {tuple(expected[name].shape)}"
    extra = [name for name in found if name not in expected]
    return f"it has {extra[0]} besides" if extra else None
