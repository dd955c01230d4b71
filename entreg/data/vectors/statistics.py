"""What is to be known of each feature before it is trained on."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from entreg.errors import DataError

_CHUNK = 65_536  # samples looked at at once
_NAMED = 8  # of the features that an error is about
Name = Callable[[int], str]


def check_finite(features: Tensor, name: Name, what: str) -> None:
    """Check that every feature of every sample is a number.

    Args:
        features: ``(N, D)``.
        name: names a feature by its index.
        what: the file, for the message.

    Raises:
        DataError: naming the first that is none, and its sample.
    """
    for start, part in enumerate(features.split(_CHUNK)):
        wrong = (~part.isfinite()).nonzero()
        if len(wrong):
            row, column = wrong[0].tolist()
            raise DataError(
                f"{what}: {name(column)} is {part[row, column].item()} in row {start * _CHUNK + row + 1}: expected a "
                "number; fill it in or leave out the row or the column"
            )


def feature_statistics(
    features: Tensor, ids: Tensor, name: Name, indicators: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each feature over the samples ``ids``, ``(D,)`` float32 each.

    Args:
        features: ``(N, D)``.
        ids: ``(M,)``.
        name: names a feature by its index.
        indicators: which features are 0 or 1 by themselves and stay so, of mean 0 and standard deviation 1 here:
            ``(D,)`` bool.

    Raises:
        DataError: naming a feature that is the same in all of them: it can be neither standardised nor learnt from.

    Example:
        >>> mean, std = feature_statistics(torch.tensor([[1.0], [3.0], [99.0]]), torch.tensor([0, 1]), str)
        >>> mean.item(), std.item()
        (2.0, 1.0)
    """
    parts = ids.split(_CHUNK)
    low = torch.stack([features[part].amin(0) for part in parts]).amin(0)
    high = torch.stack([features[part].amax(0) for part in parts]).amax(0)
    scaled = torch.ones_like(low, dtype=torch.bool) if indicators is None else ~indicators
    if len(constant := ((low == high) & scaled).nonzero()):
        names = [name(index) for index in constant.flatten()[:_NAMED].tolist()]
        others = f" and {len(constant) - _NAMED} others" if len(constant) > _NAMED else ""
        raise DataError(
            f"{', '.join(names)}{others}: the same in all {len(ids)} training samples, expected features that differ; "
            "leave out what never does (--data.drop of Vectors)"
        )
    mean = sum((features[part].double().sum(0) for part in parts), torch.zeros(1)) / len(ids)
    square = sum(((features[part].double() - mean).square().sum(0) for part in parts), torch.zeros(1))
    return mean.where(scaled, 0).float(), (square / len(ids)).sqrt().where(scaled, 1).float()
