"""Data modules. Each knows its classes and channels, so that network and loss need not be told."""

from entreg.data.augment import Warp
from entreg.data.base import ImageDataModule
from entreg.data.corruptions import Corruptions
from entreg.data.damage import Damage
from entreg.data.emnist import EMNIST
from entreg.data.folder import ImageFolder
from entreg.data.images import Batch
from entreg.data.mix import Mix
from entreg.data.mnist import KMNIST, MNIST, QMNIST, FashionMNIST
from entreg.data.source import data_root
from entreg.data.strokes import Strokes
from entreg.data.vision import CIFAR10, CIFAR100, SVHN

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "EMNIST",
    "KMNIST",
    "MNIST",
    "QMNIST",
    "SVHN",
    "Batch",
    "Corruptions",
    "Damage",
    "FashionMNIST",
    "ImageDataModule",
    "ImageFolder",
    "Mix",
    "Strokes",
    "Warp",
    "data_root",
]
