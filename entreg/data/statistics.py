"""Pixel statistics of a data set."""

from __future__ import annotations

import torch
from torch import Tensor

_CHUNK = 4096  # images counted at once


def pixel_statistics(images: Tensor, ids: Tensor) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of each channel, of pixels in 0..1, exactly and whatever the order.

    Args:
        images: ``(N, C, H, W)`` uint8.
        ids: rows that count, ``(M,)``.
    """
    levels = torch.arange(256, dtype=torch.float64) / 255
    mean, std = [], []
    for channel in images.unbind(1):
        counts = torch.zeros(256, dtype=torch.int64)
        for part in ids.split(_CHUNK):
            counts += torch.bincount(channel[part].flatten().int(), minlength=256)
        share = counts.double() / counts.sum()
        mean.append(float((share * levels).sum()))
        std.append(float((share * (levels - mean[-1]).square()).sum().sqrt()))
    return tuple(mean), tuple(std)
