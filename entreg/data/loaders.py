"""Loaders of training, validation and test samples, what is done to their batches, and the position in an epoch."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Protocol

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from entreg.data.device import evaluation_batch_size, on_device
from entreg.data.evaluation_sets import EvaluationSet
from entreg.data.samples import Batch, SampleIds, SampleSet
from entreg.data.sampling import EpochSampler, EvalSampler, TrainLoader, TrainSampler
from entreg.errors import ConfigError


class PlacesBatches(Protocol):
    """A training step that gathers and transforms its batch itself."""

    def place(self, ids: Tensor, epoch: int) -> Batch:
        """Note the ids of the next batch, and return it; its inputs and targets are there when the step is done."""
        ...


def check_order(overfit_batches: float) -> None:
    """Refuse a trainer's ``overfit_batches``, with which it puts a sampler of its own in the place of ours.

    Raises:
        ConfigError: unless it is 0.
    """
    if overfit_batches:
        raise ConfigError(
            f"trainer.overfit_batches {overfit_batches} is not supported, as the order of samples is the data module's "
            "own: to train on a few of them, set data.damage.fraction (0.01: one in a hundred)"
        )


class Loaders(LightningDataModule):
    """What Lightning asks of a data module once its samples are there, shared between the processes.

    Args:
        batch_size: samples of one optimizer step over all processes.
        eval_batch_size: samples of one evaluation batch, in each process; default: as many as the device takes.
        num_workers: loader processes.
        seed: seed of the order.

    Attributes:
        train_set: samples of the training file, validation included.
        train_ids: rows of the training file that are trained on.
        val_ids: rows of the training file that are validation.
        evaluation_sets: what :meth:`test_dataloader` loads besides.
        step: who gathers and transforms training batches in place of :meth:`on_after_batch_transfer`, if anybody.

    Raises:
        ConfigError: if a number is out of its range.
    """

    train_set: SampleSet
    train_ids: Tensor
    val_ids: Tensor
    evaluation_sets: Sequence[EvaluationSet]

    def __init__(self, batch_size: int, eval_batch_size: int | None, num_workers: int, seed: int) -> None:
        super().__init__()
        least = {
            "batch_size": (batch_size, 1),
            "eval_batch_size": (eval_batch_size, 1),
            "num_workers": (num_workers, 0),
        }
        for name, (number, smallest) in least.items():
            if number is not None and number < smallest:
                raise ConfigError(f"data.{name} is a number >= {smallest}, got {number}")
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.step: PlacesBatches | None = None
        self._train_loader: TrainLoader | None = None
        self._resume: dict[str, int] | None = None

    @abstractmethod
    def open(self, train: bool) -> SampleSet:
        """Return the samples of the training or the test file."""

    @cached_property
    def test_set(self) -> SampleSet:
        """Samples of the test file, opened when they are first asked for."""
        return self.open(train=False)

    @property
    def device(self) -> torch.device:
        """Device of the trainer, else the CPU."""
        return torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device

    @property
    def test_names(self) -> tuple[str, ...]:
        """Names of what :meth:`test_dataloader` loads, ``test`` first."""
        return ("test", *(extra.stem for extra in self.evaluation_sets))

    def train_dataloader(self) -> TrainLoader:
        """Training batches in the order of (seed, epoch).

        Raises:
            ConfigError: if the processes cannot share a batch, it exceeds the training samples, or the trainer is to
                take a few batches in an order of its own.
        """
        check_order(getattr(self.trainer, "overfit_batches", 0))  # which Lightning sets and does not declare
        rank, world_size = self._rank_and_world_size()
        if self.batch_size % world_size:
            raise ConfigError(f"data.batch_size {self.batch_size} is not divisible by {world_size} processes")
        if self.batch_size > len(self.train_ids):
            raise ConfigError(f"data.batch_size {self.batch_size} exceeds the {len(self.train_ids)} training samples")
        gathered_late = on_device(self.train_set)
        place = self.device if gathered_late else torch.device("cpu")
        sampler_class = EpochSampler if self.train_set.varies else TrainSampler
        sampler = sampler_class(self.train_ids, self.batch_size, self.seed, rank, world_size, place)
        samples = SampleIds() if gathered_late else self.train_set
        self._train_loader = TrainLoader(samples, sampler, **self._loader_options())
        if self._resume is not None:
            self._train_loader.load_state_dict(self._resume)
            self._resume = None  # another training begins at the beginning
        return self._train_loader

    def val_dataloader(self) -> DataLoader[Batch]:
        """Validation samples, each once."""
        return self._eval_loader(self.train_set, self.val_ids, again=True)

    def test_dataloader(self) -> list[DataLoader[Batch]]:
        """Test samples, then those of each further set, each once."""
        sets = [self.test_set, *(extra.samples for extra in self.evaluation_sets)]
        return [self._eval_loader(samples, torch.arange(len(samples))) for samples in sets]

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the test samples."""
        return self._eval_loader(self.test_set, torch.arange(len(self.test_set)))

    def transform(self, batch: Batch, epoch: int | None) -> Batch:
        """Return the batch as training in ``epoch`` has it (``None``: as evaluation has it); here as it is."""
        return batch

    def begin_epoch(self, epoch: int) -> None:
        """Prepare what :meth:`transform` needs to know of a training epoch, where the last epoch's is; here nothing."""

    def corrupt(self, batch: Batch, extra: EvaluationSet) -> Batch:
        """Do to a batch, not yet transformed, what is done to the samples of its set; here nothing."""
        return batch

    def training_batch(self, ids: Tensor, epoch: int) -> Batch:
        """Gather samples on the device and transform them as training in ``epoch`` has them."""
        return self.transform(self.train_set.of_epoch(epoch, ids), epoch)

    def on_after_batch_transfer(self, batch: Batch | Tensor, dataloader_idx: int) -> Batch:
        """Gather the batch (of samples on the device), corrupt it (of a corrupted set) and transform it."""
        trainer = self.trainer
        if trainer is not None and trainer.training:
            if self.step is not None:
                assert isinstance(batch, Tensor)
                return self.step.place(batch, trainer.current_epoch)
            batch = self.train_set[batch] if isinstance(batch, Tensor) else batch
            return self.transform(batch, trainer.current_epoch)
        if isinstance(batch, Tensor):
            batch = self.train_set[batch]  # of validation
        if dataloader_idx and trainer is not None and trainer.testing:
            batch = self.corrupt(batch, self.evaluation_sets[dataloader_idx - 1])
        return self.transform(batch, None)

    def state_dict(self) -> dict[str, Any]:
        """Position in the epoch.

        Lightning saves the loader's state too, but loses it on resume when anything has asked for
        ``trainer.estimated_stepping_batches`` before, as a schedule does.
        """
        return {} if self._train_loader is None else {"position": self._train_loader.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the position for the loader that will be made, if a training is to go on."""
        if self.trainer is None or self.trainer.state.fn == "fit":
            self._resume = state_dict.get("position")

    def _eval_loader(self, samples: SampleSet, ids: Tensor, again: bool = False) -> DataLoader[Batch]:
        """Return a loader of samples; ``again`` if they are read more than once, by the same workers."""
        size = self.eval_batch_size or evaluation_batch_size(self.device, self.train_set.input_shape)
        gathered_late = samples is self.train_set and on_device(samples)
        sampler = EvalSampler(ids.to(self.device) if gathered_late else ids, size, *self._rank_and_world_size())
        dataset: Dataset[Any] = SampleIds() if gathered_late else samples
        return DataLoader(dataset, batch_size=None, sampler=sampler, **self._loader_options(again))

    def _loader_options(self, again: bool = True) -> dict[str, Any]:
        return {
            "num_workers": self.num_workers,
            "persistent_workers": again and self.num_workers > 0,
            "pin_memory": self.device.type == "cuda" and not on_device(self.train_set),
        }

    def _rank_and_world_size(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)
