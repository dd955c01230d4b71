"""Pixel statistics of a data set."""

from __future__ import annotations

import torch
from torch import Tensor

from entreg.data.images.stored import LoadedImages, StoredImages
from entreg.data.samples import SampleSet
from entreg.errors import DataError

_CHUNK = 2**24  # pixels counted at once
_ENOUGH = 20_000  # pictures are decoded to be counted: as many fix a mean of pixels to three digits


def pixel_statistics(images: SampleSet, ids: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, of pixels in 0..1, whatever the order.

    They are exact for images that are one tensor; of images on disk at most 20,000 count, evenly spread over ``ids``,
    whether these are kept in memory or not.

    Args:
        images: uint8 images.
        ids: rows that count, ``(M,)``.

    Raises:
        DataError: if a channel is the same everywhere, so that it can be neither normalised nor learnt from.
    """
    if isinstance(images, (StoredImages, LoadedImages)) and len(ids) > _ENOUGH:
        ids = ids[torch.linspace(0, len(ids) - 1, _ENOUGH).long()]
    counts = torch.zeros(images.input_shape[0], 256, dtype=torch.int64)
    for part in ids.split(max(1, _CHUNK // torch.Size(images.input_shape).numel())):
        for channel, pixels in enumerate(images[part].input.unbind(1)):
            counts[channel] += torch.bincount(pixels.flatten(), minlength=256)
    for channel, used in enumerate(counts > 0):
        if used.sum() == 1:
            raise DataError(
                f"channel {channel} of the training images is {int(used.nonzero())} of 255 everywhere: expected images "
                "that differ; look at the files, or give data.mean and data.std"
            )
    levels = torch.arange(256, dtype=torch.float64) / 255
    share = counts.double() / counts.sum(1, keepdim=True)
    mean = (share * levels).sum(1)
    std = (share * (levels - mean[:, None]).square()).sum(1).sqrt()
    return tuple(mean.tolist()), tuple(std.tolist())
