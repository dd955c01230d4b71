"""ImageDataModule: images resident in memory as one uint8 tensor, batched, warped and normalised on the device."""

from __future__ import annotations

import os
from abc import abstractmethod
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from entreg.data.augment import Warp, warp
from entreg.data.damage import Damage
from entreg.data.sampling import EvalSampler, TrainLoader, TrainSampler
from entreg.data.splits import digest, split_validation
from entreg.data.statistics import pixel_statistics
from entreg.errors import ConfigError, DataError


class Batch(NamedTuple):
    """A batch of samples.

    Attributes:
        image: ``(N, C, H, W)``; uint8 from the loader, normalised float32 on the device.
        target: class indices ``(N,)`` int64.
        id: row of each sample in its file ``(N,)`` int64.
    """

    image: Tensor
    target: Tensor
    id: Tensor


class ResidentImages(Dataset[Batch]):
    """Images and targets in memory; indexed by a tensor of ids, it gathers a whole batch at once."""

    def __init__(self, images: Tensor, targets: Tensor) -> None:
        self.images = images
        self.targets = targets

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, ids: Tensor) -> Batch:
        return Batch(self.images[ids], self.targets[ids], ids)


def data_root(root: str | None) -> Path:
    """Folder of the data: the one given, else the environment variable ``ENTREG_DATA``, else ``./data``."""
    return Path(root or os.environ.get("ENTREG_DATA") or "data")


class ImageDataModule(LightningDataModule):
    """Base of the data sets: a subclass names its classes and loads two files of uint8 images.

    Validation is drawn from the training file, as many images as the test set has and in its class proportions:
    the file's tail where that already holds, else a draw from ``split_seed``. Test images choose nothing.

    The order of samples is a function of (seed, epoch), their augmentation of (seed, epoch, id): workers, batch size
    and number of processes change no sample, and nothing random needs saving.

    Args:
        root: folder of the data; default: the environment variable ``ENTREG_DATA``, else ``./data``.
        batch_size: samples of one optimizer step over all processes.
        eval_batch_size: samples of one evaluation batch, in each process.
        augment: random warp of training images; ``null`` for none.
        num_workers: loader processes; 0 is the fastest for images in memory.
        seed: seed of order and augmentation; the CLI sets it to ``seed_everything``.
        split_seed: seed of the validation split, the same for all runs of a study.
        damage: wrong labels, rare classes or few samples in training; clean labels stay in ``clean_targets``.
        mean: per-channel mean of pixels in 0..1 for normalisation; default: the data set's own, known or measured on
            the training images.
        std: per-channel standard deviation, likewise.
    """

    classes: tuple[str, ...]
    in_channels: ClassVar[int] = 1
    default_mean: tuple[float, ...] | None = None
    default_std: tuple[float, ...] | None = None

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 128,
        eval_batch_size: int = 512,
        augment: Warp | None = Warp(),  # noqa: B008 - frozen
        num_workers: int = 0,
        seed: int = 0,
        split_seed: int = 0,
        damage: Damage = Damage(),  # noqa: B008 - frozen
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        if batch_size < 1 or eval_batch_size < 1:
            raise ConfigError(f"data.batch_size and data.eval_batch_size are >= 1, got {batch_size}, {eval_batch_size}")
        self.root = data_root(root)
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.augment = augment
        self.num_workers = num_workers
        self.seed = seed
        self.split_seed = split_seed
        self.damage = damage
        self.mean = self._per_channel("mean", mean, self.default_mean)
        self.std = self._per_channel("std", std, self.default_std)
        self._homographies: tuple[int, Tensor] | None = None
        self._train_loader: TrainLoader | None = None
        self._resume: dict[str, int] | None = None

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.classes)

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the images, once they are loaded."""
        return tuple(self.train_set.images.shape[1:])

    @abstractmethod
    def load(self, train: bool) -> tuple[Tensor, Tensor]:
        """Return images ``(N, C, H, W)`` uint8 and classes ``(N,)`` int64 of the training or the test file."""

    def setup(self, stage: str | None = None) -> None:
        """Load the files once and split off validation."""
        if hasattr(self, "train_ids"):
            return
        self.train_set = ResidentImages(*self._checked(train=True))
        self.test_set = ResidentImages(*self._checked(train=False))
        self.train_ids, self.val_ids = split_validation(self.train_set.targets, self.test_set.targets, self.split_seed)
        self.clean_targets = self.train_set.targets
        self.train_ids = self.damage.keep(self.clean_targets, self.train_ids, self.num_classes)
        self.train_set.targets = self.damage.relabel(self.clean_targets, self.train_ids, self.num_classes)
        if self.mean is None or self.std is None:
            mean, std = pixel_statistics(self.train_set.images, self.train_ids)
            self.mean, self.std = self.mean or mean, self.std or std

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Digests of what was trained on and of the ids and targets of validation and test."""
        train, test, ids = self.train_set, self.test_set, self.train_ids
        return {
            "train": digest(train.images[ids], train.targets[ids], ids),
            "val": digest(self.val_ids, train.targets[self.val_ids]),
            "test": digest(test.targets),
        }

    def train_dataloader(self) -> TrainLoader:
        """Augmented batches in the order of (seed, epoch)."""
        rank, world_size = self._rank_and_world_size()
        if self.batch_size % world_size:
            raise ConfigError(f"data.batch_size {self.batch_size} is not divisible by {world_size} processes")
        if self.batch_size > len(self.train_ids):
            raise ConfigError(f"data.batch_size {self.batch_size} exceeds the {len(self.train_ids)} training images")
        sampler = TrainSampler(self.train_ids, self.batch_size, self.seed, rank, world_size)
        self._train_loader = TrainLoader(self.train_set, sampler, **self._loader_options())
        if self._resume is not None:
            self._train_loader.load_state_dict(self._resume)
        return self._train_loader

    def val_dataloader(self) -> DataLoader[Batch]:
        """Validation images, each once."""
        return self._eval_loader(self.train_set, self.val_ids)

    def test_dataloader(self) -> DataLoader[Batch]:
        """Test images, each once."""
        return self._eval_loader(self.test_set, torch.arange(len(self.test_set)))

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the test images."""
        return self.test_dataloader()

    def state_dict(self) -> dict[str, Any]:
        """Position in the epoch.

        Lightning saves the loader's state too, but loses it on resume when anything has asked for
        ``trainer.estimated_stepping_batches`` before, as a schedule does.
        """
        return {} if self._train_loader is None else {"position": self._train_loader.state_dict()}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the position for the loader that will be made."""
        self._resume = state_dict.get("position")

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Augment (in training) and normalise on the device."""
        trainer = self.trainer
        return self.transform(batch, trainer.current_epoch if trainer is not None and trainer.training else None)

    def transform(self, batch: Batch, epoch: int | None) -> Batch:
        """Warp the images as ``epoch`` has it (``None``: not at all) and normalise them to float32."""
        assert self.mean is not None, "call setup() first"
        assert self.std is not None, "call setup() first"
        image = batch.image.float()
        if epoch is not None and self.augment is not None:
            image = warp(image, self._table(epoch, image)[batch.id])
        mean, std = (255 * torch.tensor(v, device=image.device).view(-1, 1, 1) for v in (self.mean, self.std))
        return batch._replace(image=(image - mean) / std)

    def _table(self, epoch: int, image: Tensor) -> Tensor:
        """Homographies of all samples for this epoch, drawn once and kept on the device."""
        assert self.augment is not None
        if self._homographies is None or self._homographies[0] != epoch:
            height, width = image.shape[-2:]
            table = self.augment.table(len(self.train_set), height, width, self.seed, epoch)
            self._homographies = (epoch, table.to(image.device))
        return self._homographies[1]

    def _checked(self, train: bool) -> tuple[Tensor, Tensor]:
        images, targets = self.load(train)
        name = f"{type(self).__name__} {'training' if train else 'test'} file"
        if len(images) != len(targets):
            raise DataError(f"{name}: {len(images)} images but {len(targets)} labels; fetch both files again")
        if len(targets) == 0:
            raise DataError(f"{name}: holds no images")
        low, high = int(targets.min()), int(targets.max())
        if low < 0 or high >= self.num_classes:
            raise DataError(f"{name}: labels run from {low} to {high}, expected 0 to {self.num_classes - 1}")
        return images, targets

    def _eval_loader(self, dataset: ResidentImages, ids: Tensor) -> DataLoader[Batch]:
        sampler = EvalSampler(ids, self.eval_batch_size, *self._rank_and_world_size())
        return DataLoader(dataset, batch_size=None, sampler=sampler, **self._loader_options())

    def _loader_options(self) -> dict[str, Any]:
        return {
            "num_workers": self.num_workers,
            "persistent_workers": self.num_workers > 0,
            "pin_memory": torch.cuda.is_available(),
        }

    def _rank_and_world_size(self) -> tuple[int, int]:
        return (0, 1) if self.trainer is None else (self.trainer.global_rank, self.trainer.world_size)

    def _per_channel(
        self, name: str, given: Sequence[float] | None, default: Sequence[float] | None
    ) -> tuple[float, ...] | None:
        chosen = default if given is None else given
        if chosen is None:
            return None
        values = tuple(chosen)
        if len(values) != self.in_channels or (name == "std" and min(values) <= 0):
            raise ConfigError(f"data.{name} takes {self.in_channels} numbers{' > 0' * (name == 'std')}, got {values}")
        return values
