"""Data modules. Each knows its classes and channels, so that network and loss need not be told."""

from entreg.data.damage import Damage
from entreg.data.images.augment import Warp
from entreg.data.images.corruptions import Corruptions
from entreg.data.images.mix import Mix
from entreg.data.images.module import ImageDataModule
from entreg.data.images.samples import Batch
from entreg.data.images.sets.emnist import EMNIST
from entreg.data.images.sets.folder import ImageFolder
from entreg.data.images.sets.mnist import KMNIST, MNIST, QMNIST, FashionMNIST
from entreg.data.images.sets.strokes import Strokes
from entreg.data.images.sets.vision import CIFAR10, CIFAR100, SVHN
from entreg.data.source import data_root

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
