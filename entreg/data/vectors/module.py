"""VectorDataModule: features as float32, gathered in batches, standardised and perturbed on the device."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

import torch
from torch import Tensor

from entreg.data.base import ClassificationDataModule
from entreg.data.damage import Damage
from entreg.data.evaluation_sets import EvaluationSet, corrupted_sets, named_corruptions
from entreg.data.samples import Batch, ResidentSamples, SampleSet
from entreg.data.sampling import counter_generator
from entreg.data.vectors.corruptions import NAMES, VectorCorruptions
from entreg.data.vectors.perturb import Perturb
from entreg.data.vectors.statistics import check_finite, feature_statistics

_SHOWN = 6  # features of a table to look at


class VectorDataModule(ClassificationDataModule):
    """Base of the sets of vectors: a subclass names its classes and loads two files of features ``(N, D)`` float32.

    Features are standardised by the mean and the standard deviation of the training samples. Training samples may be
    perturbed, as a function of (seed, epoch, id). All else is as :class:`entreg.data.ClassificationDataModule` has it.
    To a network a vector is one pixel of D channels: ``MLP`` takes it as it is, of any width and depth.

    Args:
        root: folder of the data; default: the environment variable ``ENTREG_DATA``, else ``./data``.
        batch_size: samples of one optimizer step over all processes.
        eval_batch_size: samples of one evaluation batch, in each process; default: 512 on a CPU, on a GPU as many as
            its free memory is sure to take.
        augment: noise and dropout of training features; ``null`` for none.
        ood: sets of other classes to evaluate on (``entreg data list`` names them), and ``noise``: each feature drawn
            from the training samples on its own.
        shift: sets of the same classes from another source.
        corruptions: damage done to test features at five severities, ``noise``, ``masking`` or ``[all]``, see
            :class:`entreg.data.VectorCorruptions`.
        num_workers: loader processes; 0 is the fastest for samples in memory.
        on_device: keep the training samples on the GPU; default: where they take less than a quarter of what is free.
        seed: seed of order and perturbation; the CLI sets it to ``seed_everything``.
        split_seed: seed of the validation split and of corruptions, the same for all runs of a study.
        damage: wrong labels, rare classes or few samples in training; clean labels stay in ``clean_targets``.

    Attributes:
        indicators: which features are 0 or 1 by themselves and are not standardised, ``(D,)`` bool; ``None``: none.
        mean: of each feature, ``(D,)`` float32.
        std: standard deviation of each feature, likewise.
    """

    image_size = 1
    synthetic_sets = ("noise",)
    noise_samples: ClassVar[int] = 2000
    indicators: Tensor | None = None
    mean: Tensor
    std: Tensor

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 128,
        eval_batch_size: int | None = None,
        augment: Perturb | None = None,
        ood: Sequence[str] = ("noise",),
        shift: Sequence[str] = (),
        corruptions: Sequence[str] = (),
        num_workers: int = 0,
        on_device: bool | None = None,
        seed: int = 0,
        split_seed: int = 0,
        damage: Damage = Damage(),  # noqa: B008 - frozen
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
        self.corruptions = named_corruptions(corruptions, NAMES)
        self._corrupted: VectorCorruptions | None = None
        self._scale: tuple[torch.device, Tensor, Tensor] | None = None
        self._epoch: int | None = None
        self._tables: tuple[Tensor, Tensor, Tensor] | None = None

    @property
    def description(self) -> dict[str, Any]:
        """What features a network trained on these data expects, in plain values, and a digest of the test features."""
        return {**super().description, "mean": self.mean.tolist(), "std": self.std.tolist()}

    @property
    def train_features(self) -> Tensor:
        """Features of the training file, validation included, ``(N, D)`` float32, not standardised."""
        assert isinstance(self.train_set, ResidentSamples)
        return self.train_set.inputs

    def feature_name(self, index: int) -> str:
        """Name of a feature in messages."""
        return f"feature {index}"

    def tabulated(self, train: bool, ids: Tensor) -> tuple[Sequence[str], list[Sequence[str]]]:
        """Return the first features of samples, not standardised."""
        features = self.checked(train)[0][ids, :_SHOWN]
        names = [self.feature_name(k) for k in range(features.shape[1])]
        return names, [[f"{value:.4g}" for value in row] for row in features.tolist()]

    def checked(self, train: bool) -> tuple[Tensor, Tensor]:
        """Load the training or the test file.

        Raises:
            DataError: if its features and labels do not fit together or the classes, or a feature is no number.
        """
        features, targets = super().checked(train)
        check_finite(features, self.feature_name, f"{type(self).__name__} {'training' if train else 'test'} file")
        return features, targets

    def measure(self) -> None:
        """Measure mean and standard deviation of the features in training."""
        if "mean" in self.trained_on:
            self.mean, self.std = (torch.tensor(self.trained_on[key]) for key in ("mean", "std"))
            return
        features = self.train_features
        self.mean, self.std = feature_statistics(features, self.train_ids, self.feature_name, self.indicators)

    def begin_epoch(self, epoch: int) -> None:
        """Draw how each sample is perturbed in an epoch of training, if that has not been done.

        The tables stay where they are in memory: a training step that is captured as a CUDA graph reads them there.
        """
        self._draw(epoch, self.device)

    def transform(self, batch: Batch, epoch: int | None) -> Batch:
        """Return the batch as training in ``epoch`` has it (``None``: as evaluation has it), standardised float32."""
        features = self._standardised(batch.input)
        if epoch is not None and self.augment is not None:
            tables = self._draw(epoch, features.device)
            assert tables is not None
            features = self.augment(features, batch.id, tables)
        return batch._replace(input=features)

    def synthetic_set(self, name: str) -> SampleSet:
        """Make ``noise``: vectors whose features go together by chance, each being that of another training sample."""
        shape = (self.noise_samples, self.in_channels)
        rows = torch.randint(len(self.train_ids), shape, generator=counter_generator(self.split_seed, "feature noise"))
        noise = self.train_features[self.train_ids[rows], torch.arange(self.in_channels)]
        return ResidentSamples(noise, torch.zeros(self.noise_samples, dtype=torch.int64))

    def corrupted_sets(self) -> list[EvaluationSet]:
        """The test samples under each corruption that is asked for, at each severity."""
        if self.corruptions:
            self._corrupted = VectorCorruptions(len(self.test_set), self.mean, self.std, self.split_seed)
        return corrupted_sets(self.corruptions, self.test_set, self.classes)

    def corrupt(self, batch: Batch, extra: EvaluationSet) -> Batch:
        """Do to a batch, not yet standardised, what is done to the features of its set."""
        if extra.corruption is None or self._corrupted is None:
            return batch
        return batch._replace(input=self._corrupted(*extra.corruption, batch.input, batch.id))

    def _standardised(self, features: Tensor) -> Tensor:
        if self._scale is None or self._scale[0] != features.device:
            self._scale = (features.device, self.mean.to(features.device), self.std.to(features.device))
        return (features - self._scale[1]) / self._scale[2]

    def _draw(self, epoch: int, device: torch.device) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return the tables of an epoch on a device; ``None`` without augmentation."""
        if self.augment is None or (
            self._tables is not None and epoch == self._epoch and self._tables[0].device == device
        ):
            return self._tables
        noise, kept, starts = self.augment.tables(len(self.train_set), self.in_channels, self.seed, epoch)
        self._epoch = epoch
        if self._tables is None or self._tables[0].device != device:
            self._tables = noise.to(device), kept.to(device), starts.to(device)
        else:
            for table, drawn in zip(self._tables, (noise, kept, starts), strict=True):
                table.copy_(drawn)
        return self._tables
