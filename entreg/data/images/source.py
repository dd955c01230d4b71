"""What a data set of images is besides its classes and files."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from entreg.data.source import Source


class ImageSource(Source):
    """A data set of a training and a test file of uint8 images.

    Attributes:
        in_channels: channels of the images.
        image_size: height and width, for networks that have to know; ``None`` where a subclass does not say.
        transposed: whether the images are stored on their side.
        ink: whether they show letters or digits in light ink on black, fitted into 24 of 28 pixels.
        default_mean: per-channel mean of pixels in 0..1, where it is known.
        default_std: per-channel standard deviation, likewise.
    """

    in_channels: int = 1
    image_size: int | None = None
    transposed: bool = False
    ink: bool = False
    default_mean: tuple[float, ...] | None = None
    default_std: tuple[float, ...] | None = None

    @property
    def declared_shape(self) -> tuple[int, ...] | None:
        """Channels, height and width, where a subclass says the size."""
        return None if self.image_size is None else (self.in_channels, self.image_size, self.image_size)

    @abstractmethod
    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return images ``(N, C, H, W)`` uint8 and classes ``(N,)`` int64 of the training or the test file."""

    def shown(self, inputs: Tensor) -> list[NDArray[np.uint8]] | None:
        """Return images ``(N, C, H, W)`` uint8 upright: grey ones ``(H, W)``, RGB ones ``(H, W, 3)``, others not."""
        upright = inputs.cpu().mT if self.transposed else inputs.cpu()
        if upright.shape[1] == 1:
            return list(upright[:, 0].numpy())
        return list(upright.permute(0, 2, 3, 1).numpy()) if upright.shape[1] == 3 else None
