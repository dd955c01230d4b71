"""Controlled damage to the training set: wrong labels, rare classes, few samples; a function of a seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from entreg.data.sampling import counter_generator
from entreg.errors import ConfigError


@dataclass(frozen=True)
class Damage:
    r"""What is done to the training samples, validation and test staying as they are.

    Args:
        label_noise: share of training labels that are replaced, in [0, 1).
        noise: ``"symmetric"``: by any other class, all alike; ``"pair"``: by the next class, :math:`y + 1 \bmod C`.
        imbalance: number of samples of the most frequent class over that of the rarest, >= 1; in between they fall
            geometrically with the index of the class (Cui et al. 2019, arXiv 1901.05555).
        fraction: share of the training samples of each class that is used, in (0, 1].
        seed: seed of all draws, the same for all runs of a study.

    Raises:
        ConfigError: if a number is out of its range.
    """

    label_noise: float = 0.0
    noise: Literal["symmetric", "pair"] = "symmetric"
    imbalance: float = 1.0
    fraction: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.label_noise < 1:
            raise ConfigError(f"data.damage.label_noise is a share in [0, 1), got {self.label_noise}")
        if self.noise not in ("symmetric", "pair"):
            raise ConfigError(f"data.damage.noise is 'symmetric' or 'pair', got {self.noise!r}")
        if not 1 <= self.imbalance < float("inf"):
            raise ConfigError(f"data.damage.imbalance is a ratio >= 1, got {self.imbalance}")
        if not 0 < self.fraction <= 1:
            raise ConfigError(f"data.damage.fraction is a share in (0, 1], got {self.fraction}")

    def keep(self, targets: Tensor, ids: Tensor, classes: int) -> Tensor:
        """Return the ids that stay, in ascending order: at least one of each class that has any.

        Args:
            targets: classes of all samples of the file.
            ids: training ids, ascending.
            classes: number of classes C.
        """
        if self.imbalance == 1 and self.fraction == 1:
            return ids
        counts = targets[ids].bincount(minlength=classes)
        # Of a long-tailed set, class k has as many as its share of the most frequent class's.
        tail = self.imbalance ** (-torch.arange(classes, dtype=torch.float64) / max(classes - 1, 1))
        wanted = (counts * self.fraction if self.imbalance == 1 else counts.max() * tail * self.fraction).round().long()
        wanted = wanted.clamp(min=1).minimum(counts)
        # The order of a sample among all is drawn for the whole file, so that a smaller fraction is a subset.
        place = torch.empty(len(targets), dtype=torch.long)
        place[torch.randperm(len(targets), generator=counter_generator(self.seed, "fraction"))] = torch.arange(
            len(targets)
        )
        chosen = [
            of_class[place[of_class].argsort()[: wanted[k]]]
            for k, of_class in ((k, ids[targets[ids] == k]) for k in range(classes))
        ]
        return torch.cat(chosen).sort().values

    def relabel(self, targets: Tensor, ids: Tensor, classes: int) -> Tensor:
        """Return the labels of all samples, those of a share ``label_noise`` of ``ids`` being wrong.

        Exactly ``round(label_noise * len(ids))`` labels differ from the clean ones.
        """
        if self.label_noise == 0:
            return targets
        generator = counter_generator(self.seed, "label noise")
        order = torch.randperm(len(ids), generator=generator)
        wrong = ids[order[: round(self.label_noise * len(ids))]]
        if self.noise == "pair":
            step = torch.ones(len(wrong), dtype=torch.long)
        else:
            step = torch.randint(1, classes, (len(wrong),), generator=generator)
        labels = targets.clone()
        labels[wrong] = (labels[wrong] + step) % classes
        return labels
