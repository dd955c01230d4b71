"""A data set whose samples are no pictures: points around the centres of three classes."""

from __future__ import annotations

import torch

from entreg.data import ClassificationDataModule


class Points(ClassificationDataModule):
    """600 training and 60 test points of five numbers."""

    classes = ("a", "b", "c")
    domain = "points"
    width = 5

    def load(self, train: bool) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(int(train))
        count = 600 if train else 60
        targets = torch.randperm(count, generator=generator) % 3
        centres = 3 * torch.eye(3, self.width)
        return centres[targets] + torch.randn(count, self.width, generator=generator), targets


class OtherPoints(Points):
    """Points of the same kind and other classes."""

    classes = ("x", "y", "z")


class Longer(OtherPoints):
    """Points that have more numbers."""

    width = 6


def set_up(cls: type[Points] = Points, **options) -> Points:
    data = cls(root="unused", **options)
    data.setup()
    return data
