"""The two oldest networks of the field: a multilayer perceptron and LeNet."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

from torch import Tensor, nn


class MLP(nn.Module):
    """A multilayer perceptron: linear layers with ReLU and dropout between them.

    Args:
        in_channels: channels of the images.
        num_classes: number of classes C.
        image_size: height and width of the images, as a linear layer has to know; default: the data's, else 28.
        width: units of each hidden layer.
        depth: number of hidden layers; 0 is a linear classifier.
        dropout: probability after each hidden layer.

    Shape:
        images ``(N, in_channels, image_size, image_size)``, or vectors ``(N, in_channels)`` where ``image_size`` is 1,
        as data of vectors say; logits ``(N, C)``.

    Raises:
        ValueError: if ``depth`` is negative.

    Example:
        >>> sum(p.numel() for p in MLP(1, 26, depth=0).parameters())
        20410
    """

    def __init__(
        self,
        in_channels: int = 1,
        num_classes: int = 26,
        image_size: int | None = None,
        width: int = 256,
        depth: int = 2,
        dropout: float = 0.2,
    ) -> None:
        super().__init__()
        if depth < 0:
            raise ValueError(f"depth is the number of hidden layers, >= 0, got {depth}")
        sizes = [in_channels * (image_size or 28) ** 2, *[width] * depth]
        hidden = (
            nn.Sequential(nn.Linear(before, after), nn.ReLU(inplace=True), nn.Dropout(dropout))
            for before, after in pairwise(sizes)
        )
        self.layers = nn.Sequential(nn.Flatten(), *hidden, nn.Linear(sizes[-1], num_classes))

    def forward(self, image: Tensor) -> Tensor:
        """Return logits."""
        return self.layers(image)


class _PoolTo5(nn.AdaptiveAvgPool2d):
    """Average feature maps to 5x5. Those that have it already are left: on a GPU the pool's gradient varies."""

    def __init__(self) -> None:
        super().__init__(5)

    def forward(self, maps: Tensor) -> Tensor:
        return maps if maps.shape[-2:] == (5, 5) else super().forward(maps)


class LeNet(nn.Module):
    """LeNet-5 (LeCun et al. 1998) as it is used today: ReLU and max-pooling; images of 28x28 or more.

    Larger feature maps are averaged to the 5x5 that the classifier takes.

    Args:
        in_channels: channels of the images.
        num_classes: number of classes C.
        dropout: probability before each of the last two linear layers.

    Shape:
        images ``(N, in_channels, H, W)``; logits ``(N, C)``.

    Example:
        >>> sum(p.numel() for p in LeNet(1, 10).parameters())
        61706
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 26, dropout: float = 0.0) -> None:
        super().__init__()
        self.features = nn.Sequential(
            OrderedDict(
                conv1=nn.Conv2d(in_channels, 6, 5, padding=2),
                relu1=nn.ReLU(inplace=True),
                pool1=nn.MaxPool2d(2),
                conv2=nn.Conv2d(6, 16, 5),
                relu2=nn.ReLU(inplace=True),
                pool2=nn.MaxPool2d(2),
                pool=_PoolTo5(),
            )
        )
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(16 * 5 * 5, 120),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(120, 84),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(84, num_classes),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier(self.features(image))
