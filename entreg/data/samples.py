"""Sets of samples, and the batches that they are gathered into."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset

from entreg.data.splits import digest


class Batch(NamedTuple):
    """A batch of samples.

    Attributes:
        input: ``(N, ...)``; of images uint8 from the loader, normalised float32 on the device.
        target: class indices ``(N,)`` int64, or probabilities ``(N, C)`` float32 where samples are mixed.
        id: row of each sample in its file ``(N,)`` int64.
    """

    input: Tensor
    target: Tensor
    id: Tensor


class SampleSet(Dataset[Batch]):
    """A set of samples; indexed by a tensor of ids, it gathers a whole batch at once.

    Args:
        targets: ``(N,)`` int64.
    """

    def __init__(self, targets: Tensor) -> None:
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def varies(self) -> bool:
        """Whether training sees the samples differently in each epoch, and asks for them with its number."""
        return False

    @property
    @abstractmethod
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""

    @abstractmethod
    def __getitem__(self, ids: Tensor) -> Batch: ...

    def of_epoch(self, epoch: int, ids: Tensor) -> Batch:
        """Gather a batch as training in an epoch has it."""
        return self[ids]

    @abstractmethod
    def digest(self, ids: Tensor) -> str:
        """Fingerprint of the samples ``ids``: inputs, targets, ids."""


class ResidentSamples(SampleSet):
    """Samples in memory, on the CPU or, after :meth:`to`, on the device that trains, where batches are gathered then.

    Args:
        inputs: ``(N, ...)``.
        targets: ``(N,)`` int64.
    """

    def __init__(self, inputs: Tensor, targets: Tensor) -> None:
        super().__init__(targets)
        self.inputs = inputs
        self._moved_targets: Tensor | None = None

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(self.inputs.shape[1:])

    def __getitem__(self, ids: Tensor) -> Batch:
        ids = ids.to(self.inputs.device)
        targets = self.targets if self._moved_targets is None else self._moved_targets
        return Batch(self.inputs[ids], targets[ids], ids)

    def digest(self, ids: Tensor) -> str:
        """Digest of the inputs, targets and ids."""
        return digest(self.inputs[ids.to(self.inputs.device)].cpu(), self.targets[ids], ids)

    def to(self, device: torch.device) -> None:
        """Move the inputs to a device, and a copy of the targets as they are now: :attr:`targets` stays on the CPU."""
        self.inputs = self.inputs.to(device)
        self._moved_targets = self.targets.to(device)


class SampleIds(Dataset[Tensor]):
    """The ids themselves, for a loader of samples that are gathered where they are used."""

    def __getitem__(self, ids: Tensor) -> Tensor:
        return ids
