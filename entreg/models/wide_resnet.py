"""Wide residual networks for images of 32 pixels."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn


class _Block(nn.Module):
    """Two convolutions, each after batch normalisation and ReLU, and what they are added to.

    Args:
        before: channels that come in.
        after: channels that go out.
        stride: of the first convolution.
        dropout: probability between the convolutions.
    """

    def __init__(self, before: int, after: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(before)
        self.conv1 = nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.dropout = nn.Dropout(dropout)
        self.conv2 = nn.Conv2d(after, after, 3, padding=1, bias=False)
        changes = before != after or stride != 1
        self.shortcut = nn.Conv2d(before, after, 1, stride, bias=False) if changes else None

    def forward(self, features: Tensor) -> Tensor:
        active = F.relu(self.bn1(features))
        kept = features if self.shortcut is None else self.shortcut(active)
        return kept + self.conv2(self.dropout(F.relu(self.bn2(self.conv1(active)))))


class WideResNet(nn.Module):
    """A wide residual network, WRN-28-10 by default: few layers of many channels, at 32, 16 and 8 pixels.

    Args:
        in_channels: channels of the images.
        num_classes: number of classes C.
        depth: number of convolutions with the linear layer, 6n + 4: 16, 22, 28 and 40 are usual.
        width: factor of the channels, 16, 32 and 64, of the three groups of blocks.
        dropout: probability between the convolutions of a block; the paper has 0.3 where it has any.

    Shape:
        images ``(N, in_channels, H, W)``; logits ``(N, C)``.

    Raises:
        ValueError: if there is no network of this depth or width.

    Source: S. Zagoruyko and N. Komodakis, *Wide Residual Networks*, arXiv 1605.07146.

    Example:
        >>> sum(p.numel() for p in WideResNet(3, 10, depth=16, width=4).parameters())
        2748890
    """

    def __init__(
        self, in_channels: int = 3, num_classes: int = 10, depth: int = 28, width: int = 10, dropout: float = 0.0
    ) -> None:
        super().__init__()
        if depth < 10 or (depth - 4) % 6 or width < 1:
            raise ValueError(f"depth is 6n + 4, as 16, 22 or 28, and width is >= 1, got depth {depth}, width {width}")
        channels = 16
        layers: list[nn.Module] = [nn.Conv2d(in_channels, channels, 3, padding=1, bias=False)]
        for group in range(3):
            after = 16 * width * 2**group
            for block in range((depth - 4) // 6):
                layers.append(_Block(channels, after, 2 if group and not block else 1, dropout))
                channels = after
        self.features = nn.Sequential(*layers, nn.BatchNorm2d(channels), nn.ReLU(inplace=True))
        self.classifier = nn.Linear(channels, num_classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.classifier.bias)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits."""
        return self.classifier(self.features(image).mean((2, 3)))
