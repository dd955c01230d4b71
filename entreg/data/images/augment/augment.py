"""What an augmentation is: numbers drawn for all samples of an epoch, and what is done by them to a batch."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor

from entreg.data.sampling import counter_generator


@dataclass(frozen=True)
class Augment(ABC):
    """A random change of training images; a subclass is a frozen dataclass, whose fields are its options.

    What happens to a sample in an epoch is a row of the epoch's :meth:`table`: a function of (seed, epoch, id),
    whatever the workers, the batch size and the number of processes. :meth:`apply` is part of the training step, which
    may be captured as a CUDA graph: it has the same shapes for every batch and never waits for the device.
    """

    def table(
        self,
        n: int,
        height: int,
        width: int,
        seed: int,
        epoch: int,
        device: torch.device = torch.device("cpu"),  # noqa: B008 - immutable
    ) -> Tensor:
        """Draw the parameters of all ``n`` samples for one epoch, ``(n, ...)``, to be indexed by id.

        Args:
            n: number of samples; ids run below it.
            height: of the images in pixels.
            width: likewise.
            seed: seed of the run.
            epoch: counted from 0.
            device: where the table is wanted.

        Raises:
            ConfigError: if images of this size cannot be changed like that.
        """
        return self.draw(n, height, width, counter_generator(seed, epoch, "augment"), device)

    @abstractmethod
    def draw(self, n: int, height: int, width: int, generator: torch.Generator, device: torch.device) -> Tensor:
        """Draw on the CPU, where numbers are the same on every machine; return the parameters on ``device``."""

    @abstractmethod
    def apply(self, images: Tensor, parameters: Tensor) -> Tensor:
        """Change each image by its row of a table.

        Args:
            images: ``(N, C, H, W)``, uint8 or floating point, 0..255.
            parameters: ``(N, ...)``, rows of :meth:`table`.

        Returns:
            images of the same shape and range, uint8 or floating point.
        """
