"""ImageDataModule: images as uint8, gathered in batches, augmented and normalised on the device."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from entreg.data.base import ClassificationDataModule
from entreg.data.damage import Damage
from entreg.data.evaluation_sets import EvaluationSet, corrupted_sets, named_corruptions
from entreg.data.images.augment import Augment, Warp
from entreg.data.images.conform import conform
from entreg.data.images.corruptions import Corruptions
from entreg.data.images.mix import Mix
from entreg.data.images.pipeline import Pipeline
from entreg.data.images.source import ImageSource
from entreg.data.images.statistics import pixel_statistics
from entreg.data.samples import Batch, ResidentSamples, SampleSet
from entreg.data.sampling import counter_generator
from entreg.data.source import Source
from entreg.errors import ConfigError


class ImageDataModule(ImageSource, ClassificationDataModule):
    """Base of the image sets: a subclass names its classes and loads two files of uint8 images (:class:`ImageSource`).

    Validation is drawn from the training file, as many images as the test set has and in its class proportions:
    the file's tail where that already holds, else a draw from ``split_seed``. Test images choose nothing.

    The order of samples is a function of (seed, epoch), their augmentation of (seed, epoch, id): workers, batch size
    and number of processes change no sample, and nothing random needs saving.

    Args:
        root: folder of the data; default: the environment variable ``ENTREG_DATA``, else ``./data``.
        batch_size: samples of one optimizer step over all processes.
        eval_batch_size: samples of one evaluation batch, in each process; default: 512 on a CPU, on a GPU as many as
            its free memory is sure to take.
        augment: random change of training images: ``Warp``, ``FlipCrop``, ``ResizedCrop``, or a class of yours derived
            from :class:`entreg.data.Augment`; ``null`` for none.
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

    synthetic_sets = ("noise",)
    noise_images: ClassVar[int] = 2000

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 128,
        eval_batch_size: int | None = None,
        augment: Augment | None = Warp(),  # noqa: B008 - frozen
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
        super().__init__(
            root=root,
            batch_size=batch_size,
            eval_batch_size=eval_batch_size,
            ood=ood,
            shift=shift,
            num_workers=num_workers,
            on_device=on_device,
            seed=seed,
            split_seed=split_seed,
            damage=damage,
        )
        self.augment = augment
        self.mix = mix
        self.corruptions = named_corruptions(corruptions, Corruptions.names)
        self.mean = self._per_channel("mean", mean, self.default_mean)
        self.std = self._per_channel("std", std, self.default_std)
        self._corrupted: Corruptions | None = None
        self._turned = False

    def adopt(self, trained_on: Mapping[str, Any], classes: Sequence[str]) -> None:
        """Turn the images on their side besides, if those were, as EMNIST's are, or these alone are."""
        super().adopt(trained_on, classes)
        self._turned = bool(trained_on.get("transposed", self.transposed)) != self.transposed

    @property
    def soft_targets(self) -> bool:
        """Whether training targets are probabilities."""
        return self.mix is not None

    @property
    def image_shape(self) -> tuple[int, ...]:
        """Channels, height and width of the images, once they are loaded."""
        return self.input_shape

    @property
    def description(self) -> dict[str, Any]:
        """What images a network trained on these data expects, in plain values, and a digest of the test images."""
        return {
            "image_shape": list(self.image_shape),
            "mean": list(self.mean or ()),
            "std": list(self.std or ()),
            "transposed": self.transposed,
            "ink": self.ink,
            "pixels": self.test_set.digest(torch.arange(len(self.test_set))),
        }

    def measure(self) -> None:
        """Measure mean and standard deviation of the pixels where they are neither known nor given."""
        if self.trained_on.get("mean"):
            self.mean, self.std = self.trained_on["mean"], self.trained_on["std"]
        if self.mean is None or self.std is None:
            mean, std = pixel_statistics(self.train_set, self.train_ids)
            self.mean, self.std = self.mean or mean, self.std or std
        n, classes = len(self.train_set), self.num_classes
        self._pipeline = Pipeline(n, classes, self.mean, self.std, self.augment, self.mix, self.seed)

    def begin_epoch(self, epoch: int) -> None:
        """Draw how each image is augmented and mixed in an epoch of training."""
        self._pipeline.begin_epoch(epoch, self.image_shape, self.device)

    def transform(self, batch: Batch, epoch: int | None) -> Batch:
        """Return the batch as training in ``epoch`` has it (``None``: as evaluation has it), normalised float32."""
        if epoch is not None:
            return self._pipeline.train(batch, epoch)
        return self._pipeline.evaluate(batch._replace(input=batch.input.mT) if self._turned else batch)

    def conform(self, inputs: Tensor, guest: Source) -> Tensor:
        """Bring images of another data set to the channels, size and orientation of the training images.

        Raises:
            ConfigError: if it is no set of images.
        """
        if not isinstance(guest, ImageSource):
            raise ConfigError(f"data.ood, data.shift: {type(guest).__name__} holds no images")
        return conform(inputs, self.image_shape, turn=guest.transposed != self.transposed)

    def synthetic_set(self, name: str) -> SampleSet:
        """Make ``noise``: images of independent uniform pixels in the shape of the training images."""
        generator = counter_generator(self.split_seed, "uniform noise")
        shape = (self.noise_images, *self.image_shape)
        images = torch.randint(256, shape, generator=generator, dtype=torch.uint8)
        return ResidentSamples(images, torch.zeros(self.noise_images, dtype=torch.int64))

    def corrupted_sets(self) -> list[EvaluationSet]:
        """The test images under each corruption that is asked for, at each severity."""
        if self.corruptions:
            self._corrupted = Corruptions(len(self.test_set), self.split_seed)
        return corrupted_sets(self.corruptions, self.test_set, self.classes)

    def corrupt(self, batch: Batch, extra: EvaluationSet) -> Batch:
        """Do to a batch, not yet normalised, what is done to the images of its set."""
        if extra.corruption is None or self._corrupted is None:
            return batch
        return batch._replace(input=self._corrupted(*extra.corruption, batch.input.float(), batch.id))

    def _per_channel(
        self, name: str, given: Sequence[float] | None, default: Sequence[float] | None
    ) -> tuple[float, ...] | None:
        """Return what is given, else the default, checked: one number a channel, a standard deviation being positive.

        Raises:
            ConfigError: if it is not.
        """
        chosen = default if given is None else given
        if chosen is None:
            return None
        values = tuple(chosen)
        numbers = "numbers > 0" if name == "std" else "numbers"
        if len(values) != self.in_channels or (name == "std" and min(values) <= 0):
            raise ConfigError(f"data.{name} takes {self.in_channels} {numbers}, got {values}")
        return values
