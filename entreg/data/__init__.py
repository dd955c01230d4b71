"""Data modules. Each knows its classes and channels, so that network and loss need not be told."""

from entreg.data.augment import Warp
from entreg.data.base import Batch, ImageDataModule, data_root
from entreg.data.damage import Damage
from entreg.data.emnist import EMNIST
from entreg.data.mnist import KMNIST, MNIST, FashionMNIST
from entreg.data.strokes import Strokes

__all__ = [
    "EMNIST",
    "KMNIST",
    "MNIST",
    "Batch",
    "Damage",
    "FashionMNIST",
    "ImageDataModule",
    "Strokes",
    "Warp",
    "data_root",
]
