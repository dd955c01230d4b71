"""ClassificationDataModule: any samples with one class each: split, damaged, told apart, and handed to loaders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from entreg.data.damage import Damage
from entreg.data.device import move_if_it_fits
from entreg.data.evaluation_sets import EvaluationSet, ood_set, shift_set
from entreg.data.loaders import Loaders
from entreg.data.registry import find, guest_of
from entreg.data.samples import ResidentSamples, SampleSet
from entreg.data.source import Source, data_root
from entreg.data.splits import digest
from entreg.errors import ConfigError, DataError


class ClassificationDataModule(Loaders, Source):
    """Base of all data modules: a subclass names its classes and loads two files of inputs (:class:`Source`).

    Validation that does not come with the data is drawn from the training file, as many samples as the test set has
    and in its class proportions: the file's tail where that already holds, else a draw from ``split_seed``. Test
    samples choose nothing.

    The order of samples is a function of (seed, epoch): workers, batch size and number of processes change no sample.

    A subclass may override :meth:`open` for samples that are not to be loaded whole, :meth:`measure` and
    :meth:`transform` for what is done to a batch on its device, :meth:`shown` for samples that people can look at,
    :meth:`conform` for inputs of other data sets, and :meth:`synthetic_set`, :meth:`corrupted_sets` and :meth:`corrupt`
    for sets to evaluate on that it makes itself.

    Args:
        root: folder of the data; default: the environment variable ``ENTREG_DATA``, else ``./data``.
        batch_size: samples of one optimizer step over all processes.
        eval_batch_size: samples of one evaluation batch, in each process; default: 512 on a CPU, on a GPU as many as
            its free memory is sure to take.
        ood: sets of other classes to evaluate on (``entreg data list`` names them).
        shift: sets of the same classes from another source.
        num_workers: loader processes; 0 is the fastest for samples in memory.
        on_device: keep the training samples on the GPU; default: where they take less than a quarter of what is free.
        seed: seed of the order; the CLI sets it to ``seed_everything``.
        split_seed: seed of the validation split, the same for all runs of a study.
        damage: wrong labels, rare classes or few samples in training; clean labels stay in ``clean_targets``.

    Attributes:
        clean_targets: labels of the training file before any damage.
        fingerprints: digests of what was trained on and of the ids and targets of validation and test.
        trained_on: what the inputs of the network that is evaluated were, where it was trained on other data.
        synthetic_sets: names for ``ood`` of the sets that :meth:`synthetic_set` makes up.
    """

    clean_targets: Tensor
    fingerprints: dict[str, str]
    synthetic_sets: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        root: str | None = None,
        batch_size: int = 128,
        eval_batch_size: int | None = None,
        ood: Sequence[str] = (),
        shift: Sequence[str] = (),
        num_workers: int = 0,
        on_device: bool | None = None,
        seed: int = 0,
        split_seed: int = 0,
        damage: Damage = Damage(),  # noqa: B008 - frozen
    ) -> None:
        super().__init__(batch_size, eval_batch_size, num_workers, seed)
        self.root = data_root(root)
        self.ood = tuple(ood)
        self.shift = tuple(shift)
        self.on_device = on_device
        self.split_seed = split_seed
        self.damage = damage
        self.trained_on: Mapping[str, Any] = {}
        self._is_set_up = False

    def adopt(self, trained_on: Mapping[str, Any], classes: Sequence[str]) -> None:
        """Be evaluated by a network that was trained on other data: bring inputs to the form that those had.

        Args:
            trained_on: :attr:`description` of those data.
            classes: names of their classes.

        Raises:
            DataError: if the classes here are others, or in another order.
        """
        ours = list(map(str, self.classes))
        if ours != list(classes):
            one, other = next(pair for pair in zip_longest(ours, classes) if pair[0] != pair[1])
            raise DataError(
                f"{self.root}: the network knows other classes than these data have, {other!r} where they have "
                f"{one!r}; evaluate it on data of the same classes"
            )
        self.trained_on = trained_on

    @property
    def soft_targets(self) -> bool:
        """Whether training targets are probabilities."""
        return False

    @property
    def input_shape(self) -> tuple[int, ...]:
        """Shape of one input, once the samples are loaded."""
        return self.train_set.input_shape

    @property
    def in_channels(self) -> int:
        """First number of :attr:`input_shape`, which a network is made for."""
        return self.input_shape[0]

    @property
    def description(self) -> dict[str, Any]:
        """What inputs a network trained on these data expects, in plain values, and a digest of the test inputs."""
        return {"input_shape": list(self.input_shape), "inputs": self.test_set.digest(torch.arange(len(self.test_set)))}

    @property
    def ood_sets(self) -> dict[str, dict[str, Any]]:
        """What is to be known of each out-of-distribution set to judge what is told apart, in plain values."""
        return {
            extra.name: {"near": extra.near, "lookalikes": list(extra.lookalikes)}
            for extra in self.evaluation_sets
            if extra.kind == "ood"
        }

    def pictures(self, ids: Tensor) -> list[NDArray[np.uint8]] | None:
        """Return test samples as people see them, see :meth:`shown`; the data need not have been set up.

        Args:
            ids: rows of the test file, ``(N,)``.
        """
        return self.shown(self.test_set[ids].input)

    def open(self, train: bool) -> SampleSet:
        """Return the training or the test set, as :meth:`load` has it; override it for samples not to be loaded."""
        return ResidentSamples(*self.checked(train))

    def prepare_data(self) -> None:
        """Fetch whatever file is absent, those of the sets to evaluate on included."""
        self.prepare(train=True)
        self.prepare(train=False)
        for name in (*self.ood, *self.shift):
            if name not in self.synthetic_sets:
                self.guest(name).prepare(train=False)

    def setup(self, stage: str | None = None) -> None:
        """Load the files once and split off validation.

        Raises:
            DataError: if files are absent or damaged.
            ConfigError: if a set to evaluate on is not what it is asked for as, or there is no GPU to keep samples on.
        """
        if self._is_set_up:
            return
        self.train_set = self.open(train=True)
        targets, of_test = self.train_set.targets, self.test_set.targets
        self.train_ids, self.val_ids = self.split_off_validation(targets, of_test, self.split_seed)
        self.clean_targets = targets
        self.train_ids = self.damage.keep(self.clean_targets, self.train_ids, self.num_classes)
        self.train_set.targets = self.damage.relabel(self.clean_targets, self.train_ids, self.num_classes)
        self.measure()
        other_classes = [self._ood_set(name) for name in self.ood]
        other_sources = [shift_set(find(n).name, self.guest(n), self.label_space, self.conform) for n in self.shift]
        self.evaluation_sets = other_classes + other_sources + self.corrupted_sets()
        self.fingerprints = {
            "train": self.train_set.digest(self.train_ids),
            "val": digest(self.val_ids, self.clean_targets[self.val_ids]),
            "test": digest(self.test_set.targets),
        }
        self._place()
        self._is_set_up = True

    def measure(self) -> None:
        """Find out of the training inputs what :meth:`transform` needs to know; here nothing."""

    def guest(self, name: str) -> Source:
        """Return the data set that ``ood`` or ``shift`` names."""
        return guest_of(name, self.root)

    def conform(self, inputs: Tensor, guest: Source) -> Tensor:
        """Bring inputs of another data set to the form of the training inputs; here they have to have it.

        Raises:
            ConfigError: if that cannot be.
        """
        if tuple(inputs.shape[1:]) != self.input_shape:
            raise ConfigError(
                f"data.ood, data.shift: inputs of {type(guest).__name__} have the shape {tuple(inputs.shape[1:])}, "
                f"those of {type(self).__name__} {self.input_shape}"
            )
        return inputs

    def synthetic_set(self, name: str) -> SampleSet:
        """Make one of :attr:`synthetic_sets`, samples of no class; here there are none."""
        raise NotImplementedError(name)

    def corrupted_sets(self) -> list[EvaluationSet]:
        """Test samples under corruptions, to evaluate on; here none."""
        return []

    def state_dict(self) -> dict[str, Any]:
        """Position in the epoch, and what is trained on."""
        return {**super().state_dict(), "fingerprints": self.fingerprints}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Keep the position for the loader that will be made.

        Raises:
            DataError: if the files, the split or the damage are not those that the training began with.
        """
        begun_with = state_dict.get("fingerprints", {})
        if self.trainer is not None and self.trainer.state.fn != "fit":
            begun_with = {}  # a checkpoint may be evaluated on any data
        for part, before in begun_with.items():
            if before != self.fingerprints[part]:
                raise DataError(
                    f"{self.root}: the {part} data are not those that this run began with (fingerprint "
                    f"{self.fingerprints[part]}, was {before}); put the files back, or start a new run"
                )
        super().load_state_dict(state_dict)

    def _ood_set(self, name: str) -> EvaluationSet:
        if name in self.synthetic_sets:
            return EvaluationSet("ood", name, self.synthetic_set(name), classes=(name,))
        return ood_set(find(name).name, self.guest(name), self.label_space, self.conform)

    def _place(self) -> None:
        """Move the training samples to the GPU, if they are to be there and can be."""
        movable = self.train_set if isinstance(self.train_set, ResidentSamples) and self.num_workers == 0 else None
        if self.on_device and (movable is None or self.device.type != "cuda"):
            raise ConfigError(
                "data.on_device true needs a GPU, a data set that is one tensor in memory, and data.num_workers 0"
            )
        if movable is not None:
            move_if_it_fits(movable, self.device, self.on_device)
