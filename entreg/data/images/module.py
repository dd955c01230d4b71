"""ImageDataModule: images as uint8, gathered in batches, warped and normalised on the device."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import Any, ClassVar

import torch
from lightning.pytorch import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader

from entreg.data.damage import Damage
from entreg.data.evaluation_sets import EvaluationSet
from entreg.data.images.augment import Warp
from entreg.data.images.corruptions import Corruptions, check_names
from entreg.data.images.device import evaluation_batch_size, move_if_it_fits, on_device
from entreg.data.images.mix import Mix
from entreg.data.images.pipeline import Pipeline
from entreg.data.images.samples import Batch, ImageSet, ResidentImages
from entreg.data.images.statistics import pixel_statistics
from entreg.data.sampling import EvalSampler, TrainLoader, TrainSampler
from entreg.data.source import ImageSource, data_root
from entreg.data.splits import digest, split_validation
from entreg.errors import ConfigError, DataError


class ImageDataModule(LightningDataModule, ImageSource):
    """Base of the data sets: a subclass names its classes and loads two files of uint8 images (:class:`ImageSource`).

    Validation is drawn from the training file, as many images as the test set has and in its class proportions:
    the file's tail where that already holds, else a draw from ``split_seed``. Test images choose nothing.

    The order of samples is a function of (seed, epoch), their augmentation of (seed, epoch, id): workers, batch size
    and number of processes change no sample, and nothing random needs saving.

    Args:
        root: folder of the data; default: the environment variable ``ENTREG_DATA``, else ``./data``.
        batch_size: samples of one optimizer step over all processes.
        eval_batch_size: samples of one evaluation batch, in each process; default: 512 on a CPU, on a GPU as many as
            its free memory is sure to take.
        augment: random warp of training images; ``null`` for none.
        mix: MixUp or CutMix of training batches; ``null`` for none.
        ood: sets of other classes to evaluate on (``entreg data list`` names them), and ``noise``.
        shift: sets of the same classes from another source.
        corruptions: damage done to test images at five severities, or ``[all]``, see
            :class:`entreg.data.Corruptions`.
        num_workers: loader processes; 0 is the fastest for images in memory.
        on_device: keep the training images on the GPU; default: where they take less than a quarter of what is free.
        seed: seed of order and augmentation; the CLI sets it to ``seed_everything``.
        split_seed: seed of the validation split and of corruptions, the same for all runs of a study.
        damage: wrong labels, rare classes or few samples in training; clean labels stay in ``clean_targets``.
        mean: per-channel mean of pixels in 0..1 for normalisation; default: the data set's own, known or measured on
            the training images.
        std: per-channel standard deviation, likewise.
    """

    noise_images: ClassVar[int] = 2000

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 128,
        eval_batch_size: int | None = None,
        augment: Warp | None = Warp(),  # noqa: B008 - frozen
        mix: Mix | None = None,
        ood: Sequence[str] = ("noise",),
        shift: Sequence[str] = (),
        corruptions: Sequence[str] = (),
        num_workers: int = 0,
        on_device: bool | None = None,
        seed: int = 0,
        split_seed: int = 0,
        damage: Damage = Damage(),  # noqa: B008 - frozen
        mean: Sequence[float] | None = None,
        std: Sequence[float] | None = None,
    ) -> None:
        super().__init__()
        least = {
            "batch_size": (batch_size, 1),
            "eval_batch_size": (eval_batch_size, 1),
            "num_workers": (num_workers, 0),
        }
        for name, (number, smallest) in least.items():
            if number is not None and number < smallest:
                raise ConfigError(f"data.{name} is a number >= {smallest}, got {number}")
        self.root = data_root(root)
        self.batch_size = batch_size
        self.eval_batch_size = eval_batch_size
        self.augment = augment
        self.mix = mix
        self.ood = tuple(ood)
        self.shift = tuple(shift)
        self.corruptions = check_names(corruptions)
        self.num_workers = num_workers
        self.on_device = on_device
        self.seed = seed
        self.split_seed = split_seed
        self.damage = damage
        self.mean = self._per_channel("mean", mean, self.default_mean)
        self.std = self._per_channel("std", std, self.default_std)
        self._train_loader: TrainLoader | None = None
        self._resume: dict[str, int] | None = None

    @property
    def soft_targets(self) -> bool:
        """Whether training targets are probabilities."""
        return self.mix is not None

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the images, once they are loaded."""
        return self.train_set.image_shape

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return self.image_shape

    def open(self, train: bool) -> ImageSet:
        """Return the training or the test set, as :meth:`load` has it; override it for images not to be loaded."""
        return ResidentImages(*self.checked(train))

    def prepare_data(self) -> None:
        """Fetch whatever file is absent, those of the sets to evaluate on included."""
        from entreg.data.catalogue import guest_of  # the sets known by name are data modules themselves

        self.prepare(train=True)
        self.prepare(train=False)
        for name in (*self.ood, *self.shift):
            if name != "noise":
                guest_of(name, self.root).prepare(train=False)

    def setup(self, stage: str | None = None) -> None:
        """Load the files once and split off validation."""
        if hasattr(self, "pipeline"):  # the last thing that is made
            return
        self.train_set, self.test_set = self.open(train=True), self.open(train=False)
        self.train_ids, self.val_ids = split_validation(self.train_set.targets, self.test_set.targets, self.split_seed)
        self.clean_targets = self.train_set.targets
        self.train_ids = self.damage.keep(self.clean_targets, self.train_ids, self.num_classes)
        self.train_set.targets = self.damage.relabel(self.clean_targets, self.train_ids, self.num_classes)
        if self.mean is None or self.std is None:
            mean, std = pixel_statistics(self.train_set, self.train_ids)
            self.mean, self.std = self.mean or mean, self.std or std
        self.evaluation_sets = self._evaluation_sets()
        self._corrupted = Corruptions(len(self.test_set), self.split_seed) if self.corruptions else None
        movable = isinstance(self.train_set, ResidentImages) and not self.num_workers
        if self.on_device and not (movable and self._device().type == "cuda"):
            raise ConfigError(
                "data.on_device true needs a GPU, a data set that is one tensor in memory, and data.num_workers 0"
            )
        if isinstance(self.train_set, ResidentImages) and movable:
            _ = self.fingerprints  # of pixels: sooner made before they move
            move_if_it_fits(self.train_set, self._device(), self.on_device)
        n, classes = len(self.train_set), self.num_classes
        self.pipeline = Pipeline(n, classes, self.mean, self.std, self.augment, self.mix, self.seed)

    @cached_property
    def fingerprints(self) -> dict[str, str]:
        """Digests of what was trained on and of the ids and targets of validation and test."""
        return {
            "train": self.train_set.digest(self.train_ids),
            "val": digest(self.val_ids, self.clean_targets[self.val_ids]),
            "test": digest(self.test_set.targets),
        }

    @property
    def description(self) -> dict[str, Any]:
        """What images a network trained on these data expects, in plain values."""
        return {
            "image_shape": list(self.image_shape),
            "mean": list(self.mean or ()),
            "std": list(self.std or ()),
            "transposed": self.transposed,
            "ink": self.ink,
            "pixels": self.test_set.digest(torch.arange(len(self.test_set))),
        }

    @property
    def test_names(self) -> tuple[str, ...]:
        """Names of what :meth:`test_dataloader` loads, ``test`` first."""
        return ("test", *(extra.name for extra in self.evaluation_sets))

    @property
    def ood_sets(self) -> dict[str, dict[str, Any]]:
        """What is to be known of each out-of-distribution set to judge what is told apart, in plain values."""
        return {
            extra.name.removeprefix("ood-"): {"near": extra.near, "lookalikes": list(extra.lookalikes)}
            for extra in self.evaluation_sets
            if extra.name.startswith("ood-")
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

    def test_dataloader(self) -> list[DataLoader[Batch]]:
        """Test images, then those of each further set, each once."""
        sets = [self.test_set, *(extra.images for extra in self.evaluation_sets)]
        return [self._eval_loader(images, torch.arange(len(images))) for images in sets]

    def predict_dataloader(self) -> DataLoader[Batch]:
        """Return the test images."""
        return self._eval_loader(self.test_set, torch.arange(len(self.test_set)))

    def state_dict(self) -> dict[str, Any]:
        """Position in the epoch, and what is trained on.

        Lightning saves the loader's state too, but loses it on resume when anything has asked for
        ``trainer.estimated_stepping_batches`` before, as a schedule does.
        """
        position = {} if self._train_loader is None else {"position": self._train_loader.state_dict()}
        return {**position, "fingerprints": self.fingerprints}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the position for the loader that will be made.

        Raises:
            DataError: if the files, the split or the damage are not those that the training began with.
        """
        fitting = self.trainer is None or self.trainer.state.fn == "fit"  # any data may be looked at with a checkpoint
        for part, before in state_dict.get("fingerprints", {}).items() if fitting else ():
            if before != self.fingerprints[part]:
                raise DataError(
                    f"{self.root}: the {part} data are not those that this run began with (fingerprint "
                    f"{self.fingerprints[part]}, was {before}); put the files back, or start a new run"
                )
        self._resume = state_dict.get("position")

    def on_after_batch_transfer(self, batch: Batch, dataloader_idx: int) -> Batch:
        """Augment (in training), corrupt (a corrupted set), and normalise on the device."""
        trainer = self.trainer
        if trainer is not None and trainer.training:
            return self.transform(batch, trainer.current_epoch)
        if dataloader_idx and trainer is not None and trainer.testing:
            batch = self.corrupt(batch, self.evaluation_sets[dataloader_idx - 1])
        return self.transform(batch, None)

    def transform(self, batch: Batch, epoch: int | None) -> Batch:
        """Return the batch as training in ``epoch`` has it (``None``: as evaluation has it), normalised float32."""
        return self.pipeline.evaluate(batch) if epoch is None else self.pipeline.train(batch, epoch)

    def corrupt(self, batch: Batch, extra: EvaluationSet) -> Batch:
        """Do to a batch, not yet normalised, what is done to the images of its set."""
        if extra.corruption is None or self._corrupted is None:
            return batch
        return batch._replace(input=self._corrupted(*extra.corruption, batch.input.float(), batch.id))

    def _evaluation_sets(self) -> list[EvaluationSet]:
        from entreg.data.catalogue import other_sets  # the sets known by name are data modules themselves

        return other_sets(self)

    def _eval_loader(self, images: ImageSet, ids: Tensor) -> DataLoader[Batch]:
        size = self.eval_batch_size or evaluation_batch_size(self._device(), self.image_shape)
        sampler = EvalSampler(ids, size, *self._rank_and_world_size())
        return DataLoader(images, batch_size=None, sampler=sampler, **self._loader_options())

    def _loader_options(self) -> dict[str, Any]:
        return {
            "num_workers": self.num_workers,
            "persistent_workers": self.num_workers > 0,
            "pin_memory": self._device().type == "cuda" and not on_device(self.train_set),
        }

    def _device(self) -> torch.device:
        return torch.device("cpu") if self.trainer is None else self.trainer.strategy.root_device

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
