"""VGG-5 and Spinal-VGG-5 for small images, as published with EMNIST-Letters results (arXiv 2007.03347)."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

_WIDTHS = ((64, 64), (128, 128), (256, 256, 256), (256, 256, 256))


def _features(in_channels: int) -> nn.Sequential:
    """Four blocks of conv3x3-BN-ReLU, each closed by a 2x2 max-pool: 28 -> 14 -> 7 -> 3 -> 1 pixels."""
    layers: list[nn.Module] = []
    for block in _WIDTHS:
        for width in block:
            layers += [
                nn.Conv2d(in_channels, width, 3, padding=1),
                nn.BatchNorm2d(width),
                nn.ReLU(inplace=True),
            ]
            in_channels = width
        layers.append(nn.MaxPool2d(2))
    layers.append(GlobalMaxPool())
    return nn.Sequential(*layers)


class GlobalMaxPool(nn.Module):
    """The largest value of each channel, ``(N, C, H, W)`` to ``(N, C)``; what is there for the one pixel left of 28.

    PyTorch's adaptive pooling has no deterministic gradient on a GPU.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Pool."""
        return features.amax((2, 3))


def _initialise(net: nn.Module) -> None:
    """Convolutions from N(0, sqrt(2 / (k * k * out_channels))), BN at (1, 0); linear layers keep PyTorch's own."""
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            fan_out = module.kernel_size[0] * module.kernel_size[1] * module.out_channels
            nn.init.normal_(module.weight, 0.0, math.sqrt(2.0 / fan_out))
            if module.bias is not None:
                nn.init.zeros_(module.bias)


class VGG5(nn.Module):
    """VGG-5: ten convolutions in four blocks and two linear layers.

    Args:
        in_channels: channels of the images.
        num_classes: number of classes C.
        dropout: probability before each linear layer.

    Shape:
        images ``(N, in_channels, H, W)`` with H, W >= 16, published for 28; logits ``(N, C)``.

    Source: H. M. D. Kabir et al., *SpinalNet*, arXiv 2007.03347, and its repository.

    Example:
        >>> sum(p.numel() for p in VGG5(1, 26).parameters())
        3654362
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 26, dropout: float = 0.5) -> None:
        super().__init__()
        self.features = _features(in_channels)
        self.classifier = nn.Sequential(
            nn.Dropout(dropout),
            nn.Linear(256, 512),
            nn.BatchNorm1d(512),
            nn.ReLU(inplace=True),
            nn.Dropout(dropout),
            nn.Linear(512, num_classes),
        )
        _initialise(self)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier(self.features(image))


class SpinalVGG5(nn.Module):
    """VGG-5 with the spinal classifier: four layers, each fed one half of the features and the layer before it.

    Args:
        in_channels: channels of the images.
        num_classes: number of classes C.
        dropout: probability before each linear layer.
        width: units of each spinal layer.

    Shape:
        as :class:`VGG5`.

    Source: H. M. D. Kabir et al., *SpinalNet*, arXiv 2007.03347.

    Example:
        >>> sum(p.numel() for p in SpinalVGG5(1, 26).parameters())
        3637978
    """

    def __init__(self, in_channels: int = 1, num_classes: int = 26, dropout: float = 0.5, width: int = 128) -> None:
        super().__init__()
        self.features = _features(in_channels)
        self.spine = nn.ModuleList(
            nn.Sequential(
                nn.Dropout(dropout),
                nn.Linear(128 if layer == 0 else 128 + width, width),
                nn.BatchNorm1d(width),
                nn.ReLU(inplace=True),
            )
            for layer in range(4)
        )
        self.head = nn.Sequential(nn.Dropout(dropout), nn.Linear(4 * width, num_classes))
        _initialise(self)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits."""
        halves = self.features(image).chunk(2, dim=1)
        outputs: list[Tensor] = []
        for layer, block in enumerate(self.spine):
            outputs.append(block(torch.cat([halves[layer % 2], *outputs[-1:]], dim=1)))
        return self.head(torch.cat(outputs, dim=1))
