"""Images of one data set in the form of another's."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

_LUMA = (0.299, 0.587, 0.114)


def conform(images: Tensor, shape: tuple[int, ...], *, turn: bool) -> Tensor:
    """Bring uint8 images ``(N, C, H, W)`` to the channels and size of others, bilinearly.

    Args:
        images: grey or RGB.
        shape: channels, height and width to bring them to.
        turn: whether to transpose them first, one data set being stored on its side and the other not.
    """
    channels, height, width = shape
    if turn:
        images = images.mT
    if images.shape[1] == 3 and channels == 1:
        images = (images * torch.tensor(_LUMA).view(3, 1, 1)).sum(1, keepdim=True).round().to(torch.uint8)
    if images.shape[-2:] != (height, width):
        images = F.interpolate(images, (height, width), mode="bilinear", antialias=True)
    return images.expand(-1, channels, -1, -1).contiguous()
