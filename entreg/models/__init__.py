"""Networks. Each takes ``(in_channels, num_classes)`` first, so that the data can decide both."""

from entreg.models.vgg import VGG5, SpinalVGG5

__all__ = ["VGG5", "SpinalVGG5"]
