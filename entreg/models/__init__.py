"""Networks. Each takes ``(in_channels, num_classes)`` first, so that the data can decide both."""

from entreg.models.backbones import Timm
from entreg.models.simple import MLP, LeNet
from entreg.models.vgg import VGG5, SpinalVGG5
from entreg.models.wide_resnet import WideResNet

__all__ = ["MLP", "VGG5", "LeNet", "SpinalVGG5", "Timm", "WideResNet"]
